export { cosineSimilarityLoss, cosineSimilarityLossOf, type Paired } from './cosineSimilarityLoss';
export { crossEntropy, crossEntropyOf, type CrossEntropyOptions } from './crossEntropy';
export { cosineDistanceOf, embeddingDistillation, type EmbeddingDistillationOptions } from './embeddingDistillation';
export { focal, focalOf, type FocalOptions } from './focal';
export { detachedKl, klDivergence, symmetricKl, wholeKl, type Divergence } from './klDivergence';
export { meanOf } from './meanOf';
export { rDrop, rDropBert, rDropHalved, rDropOf, rDropPaper, rDropRoberta, type RDropForm, type RDropOptions } from './rDrop';
export { inBatchCrossEntropyOf, simcse, supervisedSimcse, type Contrasted, type SimcseOptions } from './simcse';
export { meanSimilarityOf, similarityDistillation, similarityDistillationOf } from './similarityDistillation';
