import * as tf from '@tensorflow/tfjs';
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs';
import { HoldfastError } from '../core/errors';
import { isOffTape } from '../core/stopGradient';
import type { Encoded, Output } from '../core/types';
import { embeddings } from './embeddings';
import { encoderLayer } from './layer';
import { affines, drop, sites, type NetworkPass } from './pass';
import { pool, type Pooling } from './pooling';
import { headNames } from './weightPlan';

export interface EncoderOptions {
  readonly pooling: Pooling;
  /** Names of the heads, in the order of their blocks in the logits. */
  readonly heads: readonly string[];
  /** [U, H] */
  readonly rows: Tensor2D | undefined;
}

/** The network on a batch. Each part is computed when it is first read, so a loss on `pooled` pays for no logits. */
export function encode(pass: NetworkPass, inputs: Encoded, { pooling, heads, rows }: EncoderOptions): Output {
  const hidden = once(() => hiddenStates(pass, inputs, rows));
  const pooled = once(() => {
    const states = hidden();
    return tf.tidy(() => pool(pass, states, inputs.mask, pooling));
  });
  const logits = once(() => {
    if (heads.length === 0)
      throw new HoldfastError(
        'not-found',
        'The model has no head, so there are no logits: call model.addHead(name, labels) first.',
      );
    const vector = pooled();
    return tf.tidy(() => classify(pass, vector, heads));
  });
  return {
    get hidden() {
      return hidden();
    },
    get pooled() {
      return pooled();
    },
    get logits() {
      return logits();
    },
  };
}

/** [B, T, H] */
const hiddenStates = (pass: NetworkPass, inputs: Encoded, rows: Tensor2D | undefined): Tensor3D =>
  tf.tidy(() => pass.names.layers.reduce((x, _, l) => encoderLayer(pass, x, inputs.mask, l), embeddings(pass, inputs, rows)));

/** The heads' blocks side by side: [B, H] → [B, C] */
function classify(pass: NetworkPass, pooled: Tensor2D, heads: readonly string[]): Tensor2D {
  const blocks = affines(pass, drop(pass, pooled, pass.config.dropout.classifier, sites.classifier), heads.map(headNames));
  return blocks.length === 1 ? blocks[0]! : tf.concat(blocks, 1);
}

/**
 * Computes at the first read and keeps the value. What a tidy has disposed since is computed again. A first read inside
 * `stopGradient` would leave everybody else a value without a gradient, so it throws, unless the pass began there.
 */
function once<T extends Tensor>(compute: () => T): () => T {
  const openedOffTape = isOffTape();
  let value: T | undefined;
  return () => {
    if (value && !value.isDisposed) return value;
    if (isOffTape() && !openedOffTape) {
      throw new HoldfastError(
        'off-tape',
        'This output was first read inside stopGradient: every other reader would lose its gradient. Read it before, or call forward inside.',
      );
    }
    return (value = compute());
  };
}
