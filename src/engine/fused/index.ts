export { adamWStep, type AdamWStepOptions } from './adamWStep';
export { attention, type AttentionOptions } from './attention';
export { dropout } from './dropout';
export { embed } from './embed';
export { gelu } from './gelu';
export { layerNorm } from './layerNorm';
export { linear } from './linear';
export { linears } from './linears';
export { softmaxCrossEntropy } from './softmaxCrossEntropy';
