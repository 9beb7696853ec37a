export { adapet, decoupledLabelLoss, decoupledLabelLossOf, labelConditionedMlm } from './adapet';
export type { AdaptedModel, AdaptedOptions } from './adapted';
export type { Answer } from './answers';
export { besideMasked } from './besideMasked';
export { calibrated } from './calibrated';
export { cloze, type Cloze, type ClozeOptions } from './cloze';
export { clozeClassifier, type ClozeClassifier, type ClozeClassifierOptions } from './clozeClassifier';
export { clozeCrossEntropy, clozeLogits, type ClozeCrossEntropyOptions } from './clozeCrossEntropy';
export { clozeScores, type ClozeScoring, type ScoringOptions } from './clozeScores';
export { contrastivePairs, drawnPairs, type ContrastivePairsOptions, type DrawnPairsOptions } from './contrastivePairs';
export { demonstrated, type DemonstratedOptions } from './demonstrated';
export { efl, type EflAnswer, type EflClassifier, type EflOptions } from './efl';
export {
  accuracies,
  ensemble,
  meanLogs,
  meanProbabilities,
  type Combination,
  type Ensemble,
  type EnsembleOptions,
  type Voter,
} from './ensemble';
export {
  entailmentLabels,
  entailmentPairs,
  entailmentRows,
  nliRows,
  type Descriptions,
  type EntailmentLabel,
  type EntailmentOptions,
  type EntailmentPairsOptions,
} from './entailment';
export { labelConditioned, type LabelConditioned, type LabelConditionedOptions } from './labelConditioned';
export { labelDistillation, labelDistillationOf, type LabelDistillationOptions } from './labelDistillation';
export { linearProbe, type LinearProbe, type LinearProbeOptions } from './linearProbe';
export { logisticRegression, type LogisticRegression, type LogisticRegressionOptions } from './logisticRegression';
export { lora, loraOf, type LoraModel, type LoraOptions } from './lora';
export { maskedLm } from './maskedLm';
export { maskTokens, type Masked, type MaskedTokens, type MaskTokensOptions } from './maskTokens';
export { maxFirst } from './maxFirst';
export { multiToken } from './multiToken';
export { nextGeneration, type NextGenerationOptions } from './nextGeneration';
export { pattern, type Pattern, type PatternField, type PatternRoom } from './pattern';
export { pet, type PetOptions } from './pet';
export { prefixTuning, type PrefixTuningOptions } from './prefixTuning';
export { scoredPairs, type ScoredPair } from './scoredPairs';
export {
  likelihood,
  likelihoodRatio,
  searchVerbalizer,
  wordScores,
  type FoundVerbalizer,
  type FoundWord,
  type SearchVerbalizerOptions,
  type WordScore,
} from './searchVerbalizer';
export { setFit, type SetFitClassifier, type SetFitOptions } from './setFit';
export { softBatches, softLabels, type SoftBatchesOptions, type SoftExample, type SoftLabeled } from './softLabels';
export { softPrompt, type SoftPromptOptions } from './softPrompt';
export { verbalizer, type LabelWord, type Verbalizer, type WordsOfLabel } from './verbalizer';
export { normalizedLogits, verbalizerLogits, type LabelLogits } from './verbalizerLogits';
export { labelWords, wordPieces, type ClozeTask, type LabelWords, type PiecedWord } from './wordPieces';
