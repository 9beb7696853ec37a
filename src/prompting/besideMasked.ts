import { HoldfastError } from '../core/errors';
import type { Batch } from '../core/types';
import { disposeBatch } from '../data/disposeBatch';
import type { Batches } from '../data/types';
import { withView } from '../data/withView';
import type { Masked } from './maskTokens';

/**
 * Gives each batch the masked view of another stream's batch: labelled rows beside unlabelled text.
 *
 * Batch n of an epoch gets the masked view of batch n of the other stream in that epoch, so a resumed epoch goes on with the same ones.
 *
 * **Needs** as many batches of unlabelled text as of the first stream, or more; what is left is not read in this epoch. As each epoch
 * shuffles anew, all of it comes in time.
 * **Limits** `batch.examples` stay those of the first stream.
 * **See also** `pet`, `maskTokens`.
 *
 * @throws HoldfastError when opened, `bad-data` if the unlabelled text ends first
 * @example
 * const data = besideMasked(batches(train, { head }), maskTokens(batches(examples)));
 */
export const besideMasked = <B extends Batch>(data: Batches<B>, unlabelled: Batches<Masked>): Batches<B & Masked> => ({
  async *open(opening) {
    const other = unlabelled.open(opening)[Symbol.asyncIterator]();
    try {
      for await (const batch of data.open(opening))
        yield await withView(batch, async () => {
          const next = await other.next();
          if (!next.done) return { masked: viewOf(next.value) };
          throw new HoldfastError(
            'bad-data',
            'besideMasked: the unlabelled text has fewer batches than the labelled rows: give more of it, or smaller batches of it.',
          );
        });
    } finally {
      await other.return?.();
    }
  },
});

/** The masked view alone; what else the batch has is freed. */
function viewOf({ masked, ...batch }: Masked): Masked['masked'] {
  const { mask, types, ...others } = batch.inputs;
  const kept = [masked.inputs.mask, masked.inputs.types];
  const owned = {
    ...batch,
    inputs: { ...others, ...(!kept.includes(mask) && { mask }), ...(types && !kept.includes(types) && { types }) },
  };
  disposeBatch(owned as unknown as Batch);
  return masked;
}
