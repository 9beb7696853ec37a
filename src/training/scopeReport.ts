import { bestOf } from './logitRows';
import type { ScopeScore } from './scopeScores';
import { aurocOf, averagePrecisionOf, falseAcceptanceOf } from './separation';
import { calibrationErrorOf } from './temperature';

/** How well a scope does its work; all are shares from 0 to 1 but for the numbers it stands on. `format` prints it. */
export interface ScopeReport {
  readonly score: string;
  readonly temperature: number;
  readonly threshold: number;
  /** Texts in scope that get the right label if nothing is rejected. */
  readonly closedAccuracy: number;
  /** Texts in scope that get the right label; a rejected one counts as wrong. */
  readonly inScopeAccuracy: number;
  /** Of the texts in scope that pass, those with the right label. NaN if none does. */
  readonly acceptedAccuracy: number;
  /** Texts in scope that pass. */
  readonly acceptance: number;
  /** Texts out of scope that are rejected. */
  readonly outOfScopeRecall: number;
  /** That a text in scope scores higher than one out of it; any threshold. See `aurocOf`. */
  readonly auroc: number;
  /** Of finding what is out of scope by a low score. See `averagePrecisionOf`. */
  readonly averagePrecision: number;
  /** FPR95: texts out of scope that pass where 95 % of those in scope do, whatever the threshold is. See `falseAcceptanceOf`. */
  readonly falseAcceptance95: number;
  /** Of the calibrated probabilities of the texts in scope. See `calibrationErrorOf`. */
  readonly calibrationError: number;
  /** Number of texts. */
  readonly inScope: number;
  readonly outOfScope: number;
}

/** From the logits of both groups and the places of the right classes. */
export function scopeReport(
  score: ScopeScore,
  { temperature, threshold }: { readonly temperature: number; readonly threshold: number },
  inScope: readonly Float32Array[],
  expected: readonly number[],
  outOfScope: readonly Float32Array[],
): ScopeReport {
  const scoresOf = (rows: readonly Float32Array[]) => rows.map((logits) => score.of(logits, temperature));
  const [inside, outside] = [scoresOf(inScope), scoresOf(outOfScope)];
  const best = inScope.map((logits) => bestOf(logits, temperature));
  const right = best.map(({ place }, n) => place === expected[n]);
  const passed = inside.map((value) => value >= threshold);
  const [accepted, both] = [count(passed), count(right.map((isRight, n) => isRight && passed[n]!))];
  return {
    ...{ score: score.name, temperature, threshold },
    closedAccuracy: count(right) / inside.length,
    inScopeAccuracy: both / inside.length,
    acceptedAccuracy: both / accepted,
    acceptance: accepted / inside.length,
    outOfScopeRecall: count(outside.map((value) => !(value >= threshold))) / outside.length,
    auroc: aurocOf(inside, outside),
    averagePrecision: averagePrecisionOf(negated(outside), negated(inside)),
    falseAcceptance95: falseAcceptanceOf(inside, outside),
    calibrationError: calibrationErrorOf(
      best.map(({ chance }) => chance),
      right,
    ),
    ...{ inScope: inside.length, outOfScope: outside.length },
  };
}

const count = (flags: readonly boolean[]): number => flags.filter(Boolean).length;
const negated = (values: readonly number[]): number[] => values.map((value) => -value);
