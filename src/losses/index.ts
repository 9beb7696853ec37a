export { crossEntropy, crossEntropyOf, type CrossEntropyOptions } from './crossEntropy';
export { cosineDistanceOf, embeddingDistillation, type EmbeddingDistillationOptions } from './embeddingDistillation';
export { focal, focalOf, type FocalOptions } from './focal';
export { klDivergence, symmetricKl } from './klDivergence';
export { meanOf } from './meanOf';
export { meanSimilarityOf, similarityDistillation, similarityDistillationOf } from './similarityDistillation';
export { cosineSimilarityLoss, cosineSimilarityLossOf, type Paired } from './cosineSimilarityLoss';
export { inBatchCrossEntropyOf, simcse, supervisedSimcse, type Contrasted, type SimcseOptions } from './simcse';
