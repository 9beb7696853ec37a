export { awp, type AwpOptions } from './awp';
export { fgm, type FgmOptions } from './fgm';
export { freelb, type Freelb, type FreelbOptions } from './freelb';
export { perExample, wholeBatch, type PerturbationNorm } from './perturbation';
export { perturbed, type PerturbedOptions } from './perturbed';
export { pgd, type PgdOptions } from './pgd';
export { robustness, type KindResult, type RobustnessOptions, type RobustnessReport } from './robustness';
export { smart, type SmartOptions } from './smart';
export { smartCode, smartPaper, type SmartVariant } from './smartVariants';
export {
  keyboardTypos,
  letterDrops,
  letterSwaps,
  lowerCased,
  synonymSwaps,
  upperCased,
  type KeyboardOptions,
  type PerturbationOptions,
  type SynonymOptions,
  type TextPerturbation,
} from './textPerturbations';
export type { Unlabeled } from './unlabeled';
export { vat, type VatOptions } from './vat';
