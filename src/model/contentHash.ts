/**
 * A fingerprint of weights as they are stored: the SHA-256 over each tensor's name and the SHA-256 of its bytes, in the order of the names.
 * Tensor by tensor, so that the whole file need never be in memory. Where the platform has no `crypto.subtle` (a page without https), there is none.
 */
export interface ContentHash {
  add(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  digest(): Promise<string | undefined>;
}

export function contentHash(): ContentHash {
  const subtle = (globalThis as { crypto?: Crypto }).crypto?.subtle;
  const digests = new Map<string, string>();
  const sha256 = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> => hex(await subtle!.digest('SHA-256', bytes));
  return {
    async add(name, bytes) {
      if (subtle) digests.set(name, await sha256(bytes));
    },
    async digest() {
      if (!subtle) return undefined;
      const lines = [...digests].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, digest]) => `${name} ${digest}\n`);
      return `sha256-${await sha256(new TextEncoder().encode(lines.join('')))}`;
    },
  };
}

const hex = (bytes: ArrayBuffer): string => [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
