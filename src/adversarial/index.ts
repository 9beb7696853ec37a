export * from './awp';
export * from './fgm';
export * from './freelb';
export * from './pgd';
export { perExample, wholeBatch, type PerturbationNorm } from './perturbation';
export * from './smart';
export * from './smartVariants';
export type { Unlabeled } from './unlabeled';
export * from './vat';
