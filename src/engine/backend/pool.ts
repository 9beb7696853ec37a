/** How many flushes an unused buffer waits for its next use. */
const patience = 24;
/** A buffer serves a request that needs at least this share of it. */
const fill = 0.75;
/** Below this, a fresh buffer costs less than looking for an old one. */
const smallest = 4096;

interface Free {
  readonly buffer: ArrayBuffer;
  readonly since: number;
}

/**
 * Reuses the memory of results. Fresh memory page-faults at every first touch, which costs many times what a copy of the same size does,
 * and a training step replaces all weights. Buffers are made exactly as large as asked for, so a view of a whole buffer is what most
 * results are, and reused where they fit well enough.
 */
export class BufferPool {
  /** Sorted by size. */
  private readonly free: Free[] = [];
  private generation = 0;
  /** Bytes that wait for their next use. */
  idleBytes = 0;

  take(bytes: number): ArrayBuffer {
    if (bytes < smallest) return new ArrayBuffer(bytes);
    const index = this.firstAtLeast(bytes);
    const found = this.free[index];
    if (!found || found.buffer.byteLength * fill > bytes) return new ArrayBuffer(bytes);
    this.free.splice(index, 1);
    this.idleBytes -= found.buffer.byteLength;
    return found.buffer;
  }

  give(buffer: ArrayBuffer): void {
    if (buffer.byteLength < smallest) return;
    this.free.splice(this.firstAtLeast(buffer.byteLength), 0, { buffer, since: this.generation });
    this.idleBytes += buffer.byteLength;
  }

  /** Called once per flush: gives up what nobody has wanted for a while. */
  age(): void {
    const oldest = ++this.generation - patience;
    let kept = 0;
    for (const entry of this.free) {
      if (entry.since >= oldest) this.free[kept++] = entry;
      else this.idleBytes -= entry.buffer.byteLength;
    }
    this.free.length = kept;
  }

  clear(): void {
    this.free.length = 0;
    this.idleBytes = 0;
  }

  private firstAtLeast(bytes: number): number {
    let low = 0;
    let high = this.free.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.free[middle] as Free).buffer.byteLength < bytes) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
