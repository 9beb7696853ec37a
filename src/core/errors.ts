/** What kind of failure it was; stable across versions, for `switch`. */
export type ErrorCode =
  | 'bad-argument'
  | 'bad-data'
  | 'bad-config'
  | 'bad-weights'
  | 'bad-tokenizer'
  | 'unknown-architecture'
  | 'unknown-label'
  | 'not-found'
  | 'newer-format'
  | 'save-conflict'
  | 'not-finite'
  | 'not-scalar'
  | 'off-tape'
  | 'offset-ignored'
  | 'engine-unavailable'
  | 'engine-failed'
  | 'kernel-missing'
  | 'aborted'
  | 'disposed';

/** One finding, in the user's words; file and line where there are any (line 1 is the first). */
export interface Issue {
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: string;
}

const brand = Symbol.for('holdfast.error');

/** Says what was got, what was wanted and what to do. Recognise it with `isHoldfastError`, which works across ESM and CommonJS. */
export class HoldfastError extends Error {
  override readonly name = 'HoldfastError';
  readonly code: ErrorCode;
  /** All findings, not only the first. */
  readonly issues: readonly Issue[];
  readonly [brand] = true;

  constructor(
    code: ErrorCode,
    message: string,
    { issues, cause }: { readonly issues?: readonly Issue[]; readonly cause?: unknown } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.issues = issues ?? [{ message }];
  }
}

/**
 * True for an error of this package, whichever module system or copy made it.
 *
 * @example
 * const model = await loadModel('./nowhere').catch((error: unknown) => {
 *   if (isHoldfastError(error) && error.code === 'not-found') return undefined;
 *   throw error;
 * });
 */
export const isHoldfastError = (error: unknown): error is HoldfastError =>
  typeof error === 'object' && error !== null && (error as Record<symbol, unknown>)[brand] === true;

/** A bad option or argument, refused at once: `owner` is the function that was called. */
export const badArgument = (owner: string, problem: string): HoldfastError =>
  new HoldfastError('bad-argument', `${owner}: ${problem}`);

/** Throws unless `value` is a finite number of at least `least` (and at most `most`). */
export function requireNumber(owner: string, name: string, value: number, least = 0, most = Infinity): void {
  if (typeof value === 'number' && Number.isFinite(value) && value >= least && value <= most) return;
  throw badArgument(owner, `${name} must be a number ${rangeOf(least, most)}, got ${String(value)}`);
}

/** Throws unless `value` is a finite number above 0 (and at most `most`). */
export function requirePositive(owner: string, name: string, value: number, most = Infinity): void {
  if (typeof value === 'number' && Number.isFinite(value) && value > 0 && value <= most) return;
  const range = most === Infinity ? 'above 0' : `above 0 and at most ${most}`;
  throw badArgument(owner, `${name} must be a number ${range}, got ${String(value)}`);
}

/** Throws unless `value` is a whole number of at least `least` (and at most `most`). */
export function requireCount(owner: string, name: string, value: number, least = 1, most = Infinity): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw badArgument(owner, `${name} must be a whole number ${rangeOf(least, most)}, got ${String(value)}`);
}

const rangeOf = (least: number, most: number): string => (most === Infinity ? `≥ ${least}` : `from ${least} to ${most}`);
