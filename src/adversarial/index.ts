export * from './awp';
export * from './fgm';
export * from './freelb';
export * from './pgd';
export { perExample, wholeBatch, type PerturbationNorm } from './perturbation';
export { smart, type SmartOptions } from './smart';
export * from './smartVariants';
export type { Unlabeled } from './unlabeled';
export { vat, type VatOptions } from './vat';
