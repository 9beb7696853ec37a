import { badArgument } from '../core/errors';
import type { Head } from '../model/types';

/** 1 in the columns of the logits that these heads' classes stand in: [C]. */
export function openClasses(owner: string, heads: readonly Head[], classCount: number): Float32Array {
  const open = new Float32Array(classCount);
  for (const { name, labels, offset } of heads) {
    const end = offset + labels.length;
    if (end > classCount)
      throw badArgument(
        owner,
        `head '${name}' ends at column ${end}, but the model has ${classCount} classes: is it a head of this model?`,
      );
    open.fill(1, offset, end);
  }
  return open;
}
