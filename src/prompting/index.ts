export { maskedLm } from './maskedLm';
export { maskTokens, type Masked, type MaskedTokens, type MaskTokensOptions } from './maskTokens';
