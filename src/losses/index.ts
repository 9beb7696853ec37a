export { crossEntropy, crossEntropyOf, type CrossEntropyOptions } from './crossEntropy';
export { cosineDistanceOf, embeddingDistillation, type EmbeddingDistillationOptions } from './embeddingDistillation';
export { focal, focalOf, type FocalOptions } from './focal';
export { klDivergence, symmetricKl } from './klDivergence';
export { meanOf } from './meanOf';
export { meanSimilarityOf, similarityDistillation, similarityDistillationOf } from './similarityDistillation';
