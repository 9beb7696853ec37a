import * as tf from '@tensorflow/tfjs';
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { mix } from '../core/rng';
import { attention } from '../engine/fused';
import { activate } from './activation';
import { affine, affines, drop, norm, sites, type NetworkPass } from './pass';

/**
 * One layer of the encoder, with LayerNorm after each residual sum as in BERT: [B, T, H] → [B, T, H].
 *
 * `a = LayerNorm(x + dropout(attention(x) Wₒᵀ + bₒ))`, `y = LayerNorm(a + dropout(act(a W₁ᵀ + b₁) W₂ᵀ + b₂))`
 */
export function encoderLayer(pass: NetworkPass, x: Tensor3D, mask: Tensor2D, l: number): Tensor3D {
  const { config, names, seed } = pass;
  const layer = names.layers[l]!;
  const [q, k, v] = affines(pass, x, [layer.query, layer.key, layer.value]) as [Tensor3D, Tensor3D, Tensor3D];
  const rate = config.dropout.attention;
  const dropout = seed === undefined || rate === 0 ? undefined : { rate, seed: mix(seed, sites.attention(l)) };
  const seen = behindPrefix(pass.prefix?.[l], k, v, mask);
  const mixed = attention(q, seen.k, seen.v, seen.mask, { heads: config.heads, ...(dropout && { dropout }) }); // [B, T, H]

  const attended = drop(
    pass,
    affine(pass, mixed, layer.attentionOutput),
    config.dropout.attentionOutput,
    sites.attentionOutput(l),
  );
  const a = norm(pass, tf.add(x, attended), layer.attentionNorm);

  const inner = activate(affine(pass, a, layer.intermediate), config.activation); // [B, T, I]
  const output = drop(pass, affine(pass, inner, layer.output), config.dropout.output, sites.output(l));
  return norm(pass, tf.add(a, output), layer.outputNorm);
}

/** What the queries see: keys and values [B, N + T, H] and their mask [B, N + T]. */
function behindPrefix(prefix: { key: Tensor3D; value: Tensor3D } | undefined, k: Tensor3D, v: Tensor3D, mask: Tensor2D) {
  if (!prefix) return { k, v, mask };
  const { key, value } = prefix;
  const [B, N] = key.shape;
  return { k: tf.concat([key, k], 1), v: tf.concat([value, v], 1), mask: tf.concat([tf.ones<tf.Rank.R2>([B, N]), mask], 1) };
}
