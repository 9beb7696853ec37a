export { infoNce, infoNceOf, pooledConsistency, pooledConsistencyOf, type InfoNceOptions, type Parallel } from './aligned';
export { byLanguage, wilsonInterval, type ByLanguageOptions, type LanguageReport, type LanguageResult } from './byLanguage';
export { alignWords, type AlignWordsOptions, type WordAligned } from './alignWords';
export { byId, type ByIdOptions } from './byId';
export { codeSwitch, cosda, switchCounts, type CodeSwitchOptions, type OpenedSource, type WithCodeSwitched } from './codeSwitch';
export {
  batchMean,
  classMean,
  consistency,
  detachedKl,
  teacherConsistency,
  wholeKl,
  type CodeSwitched,
  type ConsistencyOptions,
  type Divergence,
  type DivergenceReduction,
  type TeacherConsistencyOptions,
} from './consistency';
export { demoDictionary } from './demoDictionary';
export { dictionary, type Coverage, type Dictionary, type Translation } from './dictionary';
export { loadDictionary, type DictionaryFile, type DictionaryFormat } from './loadDictionary';
export { switchText, type SwitchCounts, type SwitchOptions } from './switchText';
export { translated, type TranslatedOptions, type TranslationCache } from './translated';
export type { WithView } from './viewed';
export { cosineDistance, squaredDistance, wordAlignment, type WordAlignmentOptions, type WordDistance } from './wordAlignment';
export { dictionaryPairs, pharaohPairs, type Span, type WordPair, type WordPairs } from './wordPairs';
