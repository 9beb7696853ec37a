export { adamW, type AdamWOptions } from './adamW';
export { averaged, type Averaged, type AveragedOptions } from './averaged';
export { clipped, type ClippedOptions } from './clipped';
export { decays } from './decays';
export type * from './events';
export { fit, type FitResult } from './fit';
export type { CheckpointOptions, EvaluationOptions, FitOptions } from './fitOptions';
export { grouped, type Group } from './grouped';
export type { EpochRecord, EvaluationRecord, History } from './progress';
export { constant, cosine, linear, type ConstantOptions, type DecayOptions, type Schedule } from './schedules';
export { sgd, type SgdOptions } from './sgd';
export { evaluate, type EvaluateOptions, type Prediction, type TestResult } from './evaluate';
export { accuracyOf, confusionOf, macroF1Of, type Confusion } from './metrics';
export { tfOptimizer } from './tfOptimizer';
export {
  fitScope,
  restoreScope,
  type Question,
  type Scope,
  type ScopedAnswer,
  type ScopeOptions,
  type ScopeState,
} from './scope';
export type { ScopeReport } from './scopeReport';
export type { ByHead } from './scopeRows';
export { confidence, energy, type ScopeScore } from './scopeScores';
export { acceptanceThreshold, aurocOf, averagePrecisionOf, balancedThreshold, falseAcceptanceOf } from './separation';
export { calibrationErrorOf, temperatureOf } from './temperature';
