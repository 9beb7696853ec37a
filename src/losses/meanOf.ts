import * as tf from '@tensorflow/tfjs';
import type { Batch, Labeled } from '../core/types';

/**
 * Per-example losses [B] → the batch's loss: their mean, or `Σ_b shares_b · losses_b` where the batch says what each row counts
 * (rehearsal adds two means that way).
 */
export const meanOf = (losses: tf.Tensor1D, { shares }: Batch & Pick<Partial<Labeled>, 'shares'>): tf.Scalar =>
  shares ? tf.sum<tf.Scalar>(losses.mul(shares)) : tf.mean<tf.Scalar>(losses);
