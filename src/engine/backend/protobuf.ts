const utf8 = new TextEncoder();

/** The little of protobuf's wire format that an ONNX model needs. */
export class Writer {
  private bytes = new Uint8Array(256);
  private length = 0;

  /** A varint field: integers and enums, also negative ones. */
  int(field: number, value: number): this {
    return this.varint(field * 8).varint(value);
  }

  /** A 32-bit float field. */
  float(field: number, value: number): this {
    this.varint(field * 8 + 5);
    this.reserve(4);
    new DataView(this.bytes.buffer).setFloat32(this.length, value, true);
    this.length += 4;
    return this;
  }

  /** A length-delimited field: a string, bytes or a nested message. */
  field(field: number, value: string | Uint8Array | Writer): this {
    const bytes = typeof value === 'string' ? utf8.encode(value) : value instanceof Writer ? value.finish() : value;
    this.varint(field * 8 + 2).varint(bytes.length);
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  finish(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  private varint(value: number): this {
    this.reserve(10);
    // Negative numbers are written as their 64-bit two's complement.
    let low = value >>> 0;
    let high = Math.floor(value / 2 ** 32) >>> 0;
    while (high > 0 || low > 127) {
      this.bytes[this.length++] = (low & 127) | 128;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.bytes[this.length++] = low;
    return this;
  }

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
  }
}
