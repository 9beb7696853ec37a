export { crossEntropy, crossEntropyOf, type CrossEntropyOptions } from './crossEntropy';
export { focal, focalOf, type FocalOptions } from './focal';
export { klDivergence, symmetricKl } from './klDivergence';
export { meanOf } from './meanOf';
