import * as tf from '@tensorflow/tfjs';
import { badArgument, requireCount, requireNumber } from '../core/errors';
import { mapTensors } from '../core/tensors';
import type { Taps, Tensors } from '../core/types';
import { weightOf } from '../core/weightOf';
import { linear } from '../engine/fused';
import { freshWeight } from '../model/freshWeights';
import type { TextModel } from '../model/types';
import { adapted, isHead, type AdaptedModel, type AdaptedOptions } from './adapted';

export interface LoraOptions extends AdaptedOptions {
  /** Rank r of the updates; whole number from 1. Default 8. */
  readonly rank?: number;
  /** The update counts `alpha / rank`. Default 16. */
  readonly alpha?: number;
  /** Which of the matrices that are neither heads nor embeddings. Default: every layer's query and value. */
  readonly weights?: (name: string) => boolean;
}

export interface LoraModel extends AdaptedModel {
  /**
   * Adds the updates to the model's own matrices, so that it computes and is saved as if there were no adapters. Until `unmerge` nothing but
   * the heads is trained here, and there is no `state()`: with the merged model it would count twice.
   */
  merge(): void;
  /** Gives the model its own matrices back, bit for bit; after `dispose()` a merged model stays merged. */
  unmerge(): void;
}

const queryAndValue = (name: string): boolean => /\.(query|value|q_lin|v_lin)\.weight$/.test(name);

/**
 * Low-rank adaptation: the model stays as it is, each chosen matrix gets a small update that is trained.
 *
 * `W' = W + (α / r) B A` with W of [out, in], A of [r, in], B of [out, r]: the weights `lora.NAME.a` and `lora.NAME.b`. B starts at zero, so at
 * first the model computes what it did.
 *
 * **Needs** a higher learning rate than the whole model does, about ten times.
 * **Cost** beside a step of the frozen model the products B A and the full gradient of each chosen matrix; optimizer state of
 * `r (in + out)` numbers instead of `in · out`. `merge` keeps the matrices it replaces.
 * **Limits** B = 0 or α = 0 is the model itself.
 * **Differs from the authors' code** in A, drawn from a normal distribution with the variance 1 / (3 in) of their uniform one, and
 * in having no dropout before A.
 * **See also** `softPrompt`, `prefixTuning`, which change no matrix.
 *
 * The state is the adapters and the heads alone. `model.save(folder, { keep: { adapter } })` writes it beside the model as it was,
 * `restoreKept` reads it.
 *
 * @param base stays the caller's, frozen but for what `trainable` says; add heads to it before or after
 * @throws HoldfastError `bad-argument` if `rank` is no whole number ≥ 1, `alpha` is negative, no matrix is chosen, or the model has adapters
 * @see Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, ICLR 2022, arXiv:2106.09685, section 4.1
 * @see https://github.com/microsoft/LoRA
 * @example
 * const adapter = lora(model, { rank: 4 });
 * await fit(adapter, { objective: crossEntropy(), data: batches(train, { head }), optimizer: adamW({ learningRate: 3e-3 }), seed: 1 });
 * adapter.merge();
 * await model.save('./served');
 * adapter.dispose();
 */
export function lora(
  base: TextModel,
  { rank = 8, alpha = 16, weights: choose = queryAndValue, seed = 0, trainable }: LoraOptions = {},
): LoraModel {
  requireCount('lora', 'rank', rank);
  requireNumber('lora', 'alpha', alpha);
  requireCount('lora', 'seed', seed, 0);
  const matrices = matricesOf(base);
  const chosen = matrices.filter(choose);
  if (chosen.length === 0)
    throw badArgument('lora', `weights chose none of the ${matrices.length} matrices: ${matrices.slice(0, 3).join(', ')}, …`);
  const scale = alpha / rank;
  let originals: Tensors | undefined;

  const updated = (weights: Tensors, name: string) =>
    loraOf(
      weightOf(weights, name) as tf.Tensor2D,
      weightOf(weights, nameOfA(name)) as tf.Tensor2D,
      weightOf(weights, nameOfB(name)) as tf.Tensor2D,
      scale,
    );

  // Made when they are read, so within the scope of their layer, and only those that the pass comes to.
  const merged = (weights: Tensors): Tensors => {
    const reading = chosen.map((name) => [name, { enumerable: true, get: () => updated(weights, name) }] as const);
    return Object.defineProperties({ ...weights }, Object.fromEntries(reading));
  };

  // An example's gradient needs the update as two uses of its own, beside the use of the frozen matrix.
  const beside =
    (taps: Taps, weights: Tensors): Taps =>
    (use, output) => {
      const y = taps(use, output);
      if (!chosen.includes(use.weight)) return y;
      if (use.kind !== 'linear') throw badArgument('lora', `'${use.weight}' is no matrix that multiplies: choose others`);
      const [a, b] = [nameOfA(use.weight), nameOfB(use.weight)];
      const matrix = (name: string) => weightOf(weights, name) as tf.Tensor2D;
      const inner = taps({ kind: 'linear', weight: a, input: use.input }, linear(use.input, matrix(a))); // [..., r]
      const input = tf.mul(inner, scale);
      return tf.add(y, taps({ kind: 'linear', weight: b, input }, linear(input, matrix(b)))); // [..., out]
    };

  const through = <O extends { readonly weights: Tensors; readonly taps?: Taps }>(options: O): O => {
    if (originals) return options;
    const { weights, taps } = options;
    return taps ? { ...options, taps: beside(taps, weights) } : { ...options, weights: merged(weights) };
  };

  const added = Object.fromEntries(
    chosen.flatMap((name) => {
      const [out, into] = base.weights[name]!.shape as [number, number];
      const fresh = (own: string, shape: number[], start: 'normal' | 'zeros') =>
        [own, freshWeight({ name: own, shape, start, part: 'layer' }, Math.sqrt(1 / (3 * into)), seed)] as const;
      return [fresh(nameOfA(name), [rank, into], 'normal'), fresh(nameOfB(name), [out, rank], 'zeros')];
    }),
  );
  const model = adapted(
    'lora',
    base,
    {
      added,
      forward: (inputs, options) => base.forward(inputs, through(options)),
      tokenLogits: (hidden, options) => base.tokenLogits(hidden, through(options)),
      inUse: () => originals === undefined,
    },
    trainable,
  );
  const { state, restore, dispose } = model;
  const requireApart = (what: string) => {
    if (originals)
      throw badArgument('lora', `${what} is of the model's own matrices, but these are merged: call unmerge() before`);
  };

  return Object.assign(model, {
    merge() {
      state(); // Refuses after dispose().
      if (originals) return;
      const { weights } = model;
      originals = mapTensors(Object.fromEntries(chosen.map((name) => [name, weights[name]!])), (own) => tf.keep(tf.clone(own)));
      for (const name of chosen) tf.tidy(() => weights[name]!.assign(updated(weights, name)));
    },
    unmerge() {
      for (const [name, original] of Object.entries(originals ?? {})) base.weights[name]!.assign(original);
      tf.dispose(originals);
      originals = undefined;
    },
    state() {
      requireApart('state()');
      return state();
    },
    restore(saved: Tensors) {
      requireApart('restore()');
      restore(saved);
    },
    dispose() {
      tf.dispose(originals);
      originals = undefined;
      dispose();
    },
  });
}

/** `W + s B A`: [out, in], [r, in], [out, r] → [out, in]. */
export const loraOf = (weight: tf.Tensor2D, a: tf.Tensor2D, b: tf.Tensor2D, scale: number): tf.Tensor2D =>
  tf.tidy(() => tf.add(weight, tf.matMul(tf.mul(b, scale), a)));

const nameOfA = (name: string): string => `lora.${name}.a`;
const nameOfB = (name: string): string => `lora.${name}.b`;

/** The weights that multiply: neither heads, which are trained anyway, nor embeddings. */
const matricesOf = ({ weights, embeddingTable }: TextModel): string[] =>
  Object.keys(weights).filter(
    (name) =>
      weights[name]!.rank === 2 &&
      name.endsWith('.weight') &&
      !isHead(name) &&
      name !== embeddingTable &&
      !/_embeddings\./.test(name),
  );
