import { badArgument, requireCount } from '../core/errors';
import type { Batch, Encoded, Labeled } from '../core/types';
import type { Head } from '../model/types';
import { chunked } from './chunked';
import { classBalanced } from './classBalanced';
import { collated } from './collated';
import { lengthSorted } from './lengthSorted';
import { randomOf } from './random';
import { labelledRows, requireViews, viewNames, type Row } from './rows';
import { shuffled } from './shuffled';
import { readAll, requireReopenable } from './source';
import { tokenised } from './tokenised';
import type { Batches, Example, ExampleSource, OpenOptions, Rehearsal } from './types';

export interface BatchesOptions {
  /** Rows of a batch, without those rehearsed. Default 32. */
  readonly batchSize?: number;
  /** Most tokens of a row; longer texts are cut. Default: the model's. */
  readonly maxLength?: number;
  /** A new order in each epoch, in batches of similar length. Default true; false keeps the order of the examples. */
  readonly shuffle?: boolean;
  /** Leaves out the rows that do not fill a batch. Default false. */
  readonly dropLast?: boolean;
  /** Rounds the length of a batch up to a multiple, for engines that compile per shape. Default 1. */
  readonly padToMultipleOf?: number;
}

export interface LabeledBatchesOptions<E extends Example = Example> extends BatchesOptions {
  /** The head that the labels belong to; or a function, where examples of several heads are mixed. */
  readonly head: Head | ((example: E) => Head);
  /** Each class equally often; see `classBalanced`. Default false. */
  readonly balanced?: boolean;
  /** Remembered rows that are added to every batch, drawn anew for each. Their mean counts as much as the mean of the new rows. */
  readonly rehearse?: Rehearsal;
  /** The heads whose classes take part in every row. Default: each row's own head. */
  readonly classes?: readonly Head[];
}

/** The views that the examples bring, as further inputs of the batch. */
export type ViewsOf<E> = E extends { readonly views: infer V }
  ? string extends keyof V
    ? unknown
    : { readonly [Name in keyof V & string]: Encoded }
  : unknown;

/** Batches of this many are sorted by length together. */
const POOL = 50;

/**
 * Turns examples into batches of tensors: a recipe that each epoch opens anew.
 *
 * Each epoch reads the source again, shuffles it, takes pools of 50 batches, sorts each by length (so that little is padded)
 * and gives the batches of a pool in random order. (CLINC150, batches of 32: 2.8 % padding instead of 44.9 %.) All of it is a function of `(seed, epoch)`; `skip` goes on within it.
 * Tokens are made a pool ahead, while the current one is trained on. Remembered rows are drawn when their batch is asked for.
 * Without `head` the batches have no labels.
 *
 * **Needs** labels that the head has. **Cost** the strings of one epoch and the tokens of two pools in memory.
 * **Limits** with several views all examples must have the same ones, remembered ones too. An array that changes between epochs is read as it is then.
 * **See also** `readJsonl`, `split`, `disposeBatch`.
 *
 * @throws HoldfastError `bad-argument`; `bad-data` if the source can be read only once; when opened, `bad-data` if it is empty or rows lack
 *   text or a view, and `unknown-label` with all rows concerned
 * @example
 * await fit(model, { data: batches(readJsonl('train.jsonl', { labels }), { head, batchSize: 32 }), objective: crossEntropy(), optimizer });
 */
export function batches<E extends Example>(
  source: ExampleSource<E>,
  options: LabeledBatchesOptions<E>,
): Batches<Labeled & ViewsOf<E>>;
export function batches<E extends Example>(
  source: ExampleSource<E>,
  options?: BatchesOptions & { readonly head?: undefined },
): Batches<Batch & ViewsOf<E>>;
export function batches<E extends Example>(source: ExampleSource<E>, options: AnyOptions<E> = {}): Batches<Batch> {
  const { head, batchSize = 32, shuffle = true, balanced = false, rehearse, classes, padToMultipleOf = 1 } = options;
  requireCount('batches', 'batchSize', batchSize);
  requireCount('batches', 'padToMultipleOf', padToMultipleOf);
  if (options.maxLength !== undefined) requireCount('batches', 'maxLength', options.maxLength);
  if (!head && (balanced || rehearse || classes))
    throw badArgument('batches', 'balanced, rehearse and classes need labels: give the head too');
  if (balanced && !shuffle) throw badArgument('batches', 'balanced rows are drawn at random: leave shuffle on');
  requireReopenable('batches', source);
  return { open: (opening) => opened(source, { ...options, batchSize, shuffle, balanced }, opening) };
}

type AnyOptions<E extends Example> = Partial<Omit<LabeledBatchesOptions<E>, 'head'>> & {
  readonly head?: LabeledBatchesOptions<E>['head'] | undefined;
};
type Plan<E extends Example> = AnyOptions<E> & Required<Pick<LabeledBatchesOptions, 'batchSize' | 'shuffle' | 'balanced'>>;

async function* opened<E extends Example>(
  source: ExampleSource<E>,
  plan: Plan<E>,
  { model, seed, epoch, skip = 0 }: OpenOptions,
): AsyncGenerator<Batch> {
  const { head, batchSize, shuffle, rehearse } = plan;
  const maxLength = plan.maxLength ?? model.maxLength;
  requireCount('batches', 'skip', skip, 0);
  if (maxLength > model.maxLength)
    throw badArgument('batches', `maxLength ${maxLength} is more than the model's ${model.maxLength} tokens`);

  const examples = await readAll('batches', source, { seed, epoch });
  const rows = head
    ? labelledRows(
        'batches',
        examples.map((example) => ({ example, head: typeof head === 'function' ? head(example) : head })),
      )
    : examples.map((example) => ({ example }));
  const views = viewNames(rows);
  const pools = chunked(arranged(rows, plan, randomOf(seed, epoch, 'order')), POOL * batchSize);
  const tokens = async (some: readonly Row[] | undefined) => tokenised(some ?? [], views, model.tokenizer, maxLength);
  const collate = { views, maxLength, padId: model.tokenizer.padId, ...plan, ...(head && { classCount: model.classCount }) };

  let pool = Math.floor(skip / POOL);
  let number = pool * POOL;
  let next = tokens(pools[pool]);
  for (; pool < pools.length; pool++) {
    const ready = await next;
    next = tokens(pools[pool + 1]);
    next.catch(() => {}); // Whoever stops early never awaits it.
    const inOrder = shuffle
      ? lengthSorted(ready, { batchSize, lengthOf: (row) => row.tokens.ids.length, random: randomOf(seed, epoch, 'pool', pool) })
      : chunked(ready, batchSize);
    for (const fresh of inOrder) {
      if (number++ < skip) continue;
      const old = labelledRows('batches', rehearse?.draw(randomOf(seed, epoch, 'rehearse', number - 1)) ?? [], 'rehearsed row');
      requireViews(old, views, 'rehearsed row');
      const together = [...fresh, ...(await tokens(old))];
      yield collated(together, old.length, collate);
    }
  }
}

type Order = Pick<Plan<Example>, 'batchSize' | 'shuffle' | 'balanced' | 'dropLast'>;

/** The epoch's rows in the epoch's order. */
function arranged(rows: readonly Row[], { batchSize, shuffle, balanced, dropLast }: Order, random: () => number): readonly Row[] {
  const columnOf = ({ target }: Row) => target!.column;
  const order = balanced ? classBalanced(rows, columnOf, random) : shuffle ? shuffled(rows, random) : rows;
  // Rows are dropped here and not as the last batch, which would hold the longest ones.
  const kept = dropLast ? order.slice(0, order.length - (order.length % batchSize)) : order;
  if (kept.length === 0)
    throw badArgument('batches', `dropLast leaves nothing of ${rows.length} rows with batchSize ${batchSize}`);
  return kept;
}
