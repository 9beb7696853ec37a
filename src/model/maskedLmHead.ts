import type { Tensor2D } from '@tensorflow/tfjs';
import { activate } from './activation';
import { affine, norm, type NetworkPass } from './pass';

/**
 * Scores of every vocabulary entry, `LayerNorm(act(h Wᵀ + b)) Eᵀ + c` with the word embeddings E: [N, H] → [N, V].
 *
 * The table is used here a second time, so its gradient has a dense part.
 */
export function maskedLmHead(pass: NetworkPass, hidden: Tensor2D): Tensor2D {
  const { config, names } = pass;
  const { dense, norm: normNames, bias } = names.maskedLm;
  // RoBERTa's head has GELU whatever the encoder's activation is.
  const activation = config.family === 'roberta' ? 'gelu' : config.activation;
  const features = norm(pass, activate(affine(pass, hidden, dense), activation), normNames);
  return affine(pass, features, { weight: names.words, bias });
}
