import { createHash } from 'node:crypto';
import type { Weights } from '../../src';

/** SHA-256 of all weights, by name: the same for the same bits. */
export async function digestOf(weights: Weights): Promise<string> {
  const hash = createHash('sha256');
  for (const name of Object.keys(weights).sort()) {
    const values = await weights[name]!.data();
    hash.update(name);
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}
