/**
 * Whether weight decay applies to a weight, by its checkpoint name: to all but biases and LayerNorm, as in BERT's own training.
 *
 * @example adamW({ learningRate: 3e-4, decays: (name) => decays(name) && !name.includes('embeddings') });
 */
export const decays = (name: string): boolean => !/(^|\.)bias$/.test(name) && !/layer_?norm/i.test(name);
