export { awp, type AwpOptions } from './awp';
export { fgm, type FgmOptions } from './fgm';
export { freelb, type Freelb, type FreelbOptions } from './freelb';
export { perExample, wholeBatch, type PerturbationNorm } from './perturbation';
export { pgd, type PgdOptions } from './pgd';
export { smart, type SmartOptions } from './smart';
export { smartCode, smartPaper, type SmartVariant } from './smartVariants';
export type { Unlabeled } from './unlabeled';
export { vat, type VatOptions } from './vat';
