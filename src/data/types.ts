import type { Batch, Labeled } from '../core/types';
import type { Head, TextModel } from '../model/types';

/** One row of a product's data: plain strings, cloneable. */
export interface Example<Label extends string = string> {
  readonly text: string;
  /** The second text of a pair. */
  readonly pair?: string;
  readonly label?: Label;
  /** The user's own key, for erasure and alignment. */
  readonly id?: string;
  /** BCP 47 tag or the user's own name of the language. */
  readonly language?: string;
  /** The same content in another form, by name of the batch's view: `{ codeSwitched: { text } }`. */
  readonly views?: Readonly<Record<string, { readonly text: string; readonly pair?: string }>>;
}

/**
 * Examples that can be read again from the start: an array, a file that is opened anew, a function that returns a fresh iterable.
 * Streams of batches tell the function which epoch of which run they read for; what reads once is epoch 0 of seed 0.
 */
export type ExampleSource<E extends Example = Example> =
  Iterable<E> | AsyncIterable<E> | ((opening?: Pick<OpenOptions, 'seed' | 'epoch'>) => Iterable<E> | AsyncIterable<E>);

/** A remembered example and the head that its label belongs to. */
export interface Rehearsed {
  readonly example: Example;
  readonly head: Head;
}

/** Rows that are mixed into each batch; `draw` gets a seeded source of numbers in [0, 1). */
export interface Rehearsal {
  draw(random: () => number): readonly Rehearsed[];
}

export interface OpenOptions {
  readonly model: TextModel;
  readonly seed: number;
  readonly epoch: number;
  /** Batches to leave out at the start, without tokenising them: where an interrupted epoch goes on. */
  readonly skip?: number;
}

/** A recipe for batches: each epoch opens it anew, and `(seed, epoch)` decide what comes. Whoever opens it disposes the batches. */
export interface Batches<B extends Batch = Labeled> {
  open(options: OpenOptions): AsyncIterable<B>;
}
