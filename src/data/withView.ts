import type { Batch } from '../core/types';
import { disposeBatch } from './disposeBatch';

/** A batch with further tensors beside its own. Where making them fails, the batch is freed: nobody else has it yet. */
export async function withView<B extends Batch, V extends object>(batch: B, made: () => V | Promise<V>): Promise<B & V> {
  try {
    return { ...batch, ...(await made()) };
  } catch (cause) {
    disposeBatch(batch);
    throw cause;
  }
}
