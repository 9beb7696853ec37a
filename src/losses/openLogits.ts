import type { Tensor2D } from '@tensorflow/tfjs';

/** Far below any logit, so that `exp` of it is exactly 0, and finite, so that 0 times it is 0. */
const closed = 1e9;

/** Logits [B, C] with the classes that do not take part pushed out of the softmax; their gradient is exactly 0. */
export const openLogits = (logits: Tensor2D, classes?: Tensor2D): Tensor2D =>
  classes ? logits.add<Tensor2D>(classes.sub(1).mul(closed)) : logits;
