import * as tf from '@tensorflow/tfjs';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { mix } from '../core/rng';
import type { ForwardOptions, Taps, Tensors, Use } from '../core/types';
import { weightOf } from '../core/weightOf';
import { dropout, embed, layerNorm, linear, linears } from '../engine/fused';
import type { EncoderConfig } from './config';
import type { Affine, Names } from './names';

/** One pass through the network: the point in weight space, this pass's dropout, and who wants to see each use of a weight. */
export interface NetworkPass {
  readonly config: EncoderConfig;
  readonly names: Names;
  readonly weights: Tensors;
  /** Of this pass's dropout; undefined: none. */
  readonly seed: number | undefined;
  readonly prefix: ForwardOptions['prefix'] | undefined;
  readonly taps: Taps | undefined;
}

/** The numbers that tell this pass's dropout masks apart. */
export const sites = {
  embeddings: 0,
  poolerInput: 1,
  classifier: 2,
  attention: (layer: number): number => 3 + 3 * layer,
  attentionOutput: (layer: number): number => 4 + 3 * layer,
  output: (layer: number): number => 5 + 3 * layer,
} as const;

export const weightIn = ({ weights }: NetworkPass, name: string): Tensor => weightOf(weights, name);

const tapped = <T extends Tensor>({ taps }: NetworkPass, use: () => Use, output: T): T =>
  taps ? (taps(use(), output) as T) : output;

/** `y = x Wᵀ + b` */
export function affine<T extends Tensor>(pass: NetworkPass, x: T, { weight, bias }: Affine): T {
  const y = linear(x, weightIn(pass, weight) as Tensor2D, weightIn(pass, bias) as Tensor1D);
  return tapped(pass, () => ({ kind: 'linear', weight, bias, input: x }), y);
}

/** Several linear maps of one input. */
export function affines<T extends Tensor>(pass: NetworkPass, x: T, names: readonly Affine[]): T[] {
  const outputs = linears(
    x,
    names.map(({ weight }) => weightIn(pass, weight) as Tensor2D),
    names.map(({ bias }) => weightIn(pass, bias) as Tensor1D),
  );
  return outputs.map((y, k) => tapped(pass, () => ({ kind: 'linear', ...names[k]!, input: x }), y));
}

/** LayerNorm. The normalised input is computed apart, and only for a tap. */
export function norm<T extends Tensor>(pass: NetworkPass, x: T, { weight, bias }: Affine): T {
  const { epsilon } = pass.config;
  const scale = weightIn(pass, weight) as Tensor1D;
  const y = layerNorm(x, scale, weightIn(pass, bias) as Tensor1D, epsilon);
  const normalised = () => layerNorm(x, tf.onesLike(scale), tf.zerosLike(scale), epsilon);
  return tapped(pass, () => ({ kind: 'scale', weight, bias, input: normalised() }), y);
}

/** Rows of a table; `source` are other rows that `at` points into, where the gradient is taken by rows. */
export function lookup(
  pass: NetworkPass,
  weight: string,
  ids: Tensor2D,
  source?: { readonly rows: Tensor2D; readonly at: Tensor2D },
): Tensor3D {
  const y = source ? embed(source.rows, source.at) : embed(weightIn(pass, weight) as Tensor2D, ids);
  return tapped(pass, () => ({ kind: 'lookup', weight, input: ids }), y);
}

/** Inverted dropout, if this pass has any: its mask is a function of (seed, site). */
export const drop = <T extends Tensor>({ seed }: NetworkPass, x: T, rate: number, site: number): T =>
  seed === undefined || rate === 0 ? x : dropout(x, rate, mix(seed, site));
