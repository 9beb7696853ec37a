import * as tf from '@tensorflow/tfjs';
import { badArgument, HoldfastError } from '../core/errors';
import { prefixed, unprefixed } from '../core/prefixed';
import { mapTensors } from '../core/tensors';
import type { Tensors, Updater } from '../core/types';
import { requireWeights } from './requireWeights';

/** Some of the weights and what updates them. */
export interface Group {
  /** Which weights, by checkpoint name; a weight belongs to the first group that takes it. */
  readonly weights: (name: string) => boolean;
  readonly optimizer: Updater;
}

/**
 * Groups of weights with an optimizer each: a higher learning rate for new heads, another decay for the embeddings.
 *
 * `rate` is the first group's.
 *
 * @throws HoldfastError `bad-argument` without groups, or if two share an optimizer; when applied, if a weight belongs to none
 * @example
 * const optimizer = grouped([
 *   { weights: (name) => name.startsWith('classifier.'), optimizer: adamW({ learningRate: 1e-3 }) },
 *   { weights: () => true, optimizer: adamW({ learningRate: 3e-4 }) },
 * ]);
 */
export function grouped(groups: readonly Group[]): Updater {
  if (groups.length === 0) throw badArgument('grouped', 'expected at least one group, got none');
  if (new Set(groups.map(({ optimizer }) => optimizer)).size < groups.length) {
    throw badArgument('grouped', 'two groups share one optimizer: make one for each');
  }
  const groupOf = (name: string): number => {
    const found = groups.findIndex(({ weights }) => weights(name));
    if (found < 0)
      throw badArgument(
        'grouped',
        `no group takes the weight '${name}': end with one that takes the rest, { weights: () => true, … }`,
      );
    return found;
  };
  return {
    apply(weights, grads, rows = {}) {
      requireWeights('grouped', weights, grads);
      const parts = groups.map((): Part => ({ grads: {}, rows: {} }));
      for (const [name, grad] of Object.entries(grads)) {
        const part = parts[groupOf(name)]!;
        part.grads[name] = grad;
        if (rows[name]) part.rows[name] = rows[name];
      }
      parts.forEach((part, i) => {
        if (Object.keys(part.grads).length > 0) groups[i]!.optimizer.apply(weights, part.grads, part.rows);
      });
    },
    rate: () => groups[0]!.optimizer.rate?.(),
    async state() {
      const states = await Promise.all(groups.map(async ({ optimizer }, i) => prefixed(`${i}/`, await optimizer.state())));
      return Object.assign({}, ...states) as Tensors;
    },
    async restore(state) {
      const foreign = Object.keys(state).find((key) => !groups.some((_, i) => key.startsWith(`${i}/`)));
      if (foreign)
        throw new HoldfastError(
          'bad-weights',
          `grouped.restore: '${foreign}' belongs to none of the ${groups.length} groups. Were there more when it was saved?`,
        );
      // A copy, because an optimizer's state() may free what it gave before.
      const given = copied(state);
      const own: Tensors[] = [];
      try {
        for (const { optimizer } of groups) own.push(copied(await optimizer.state()));
        for (const [i, { optimizer }] of groups.entries()) await optimizer.restore(unprefixed(`${i}/`, given));
      } catch (cause) {
        // All groups or none: those before the one that refuses get their own state back.
        if (own.length === groups.length) for (const [i, { optimizer }] of groups.entries()) await optimizer.restore(own[i]!);
        throw cause;
      } finally {
        tf.dispose([given, own]);
      }
    },
    dispose: () => groups.forEach(({ optimizer }) => optimizer.dispose()),
  };
}

const copied = (state: Tensors): Tensors => mapTensors(state, (tensor) => tf.keep(tf.clone(tensor)));

/** One group's share of a step. */
interface Part {
  readonly grads: Record<string, tf.Tensor>;
  readonly rows: Record<string, Int32Array>;
}
