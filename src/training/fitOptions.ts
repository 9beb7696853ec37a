import { badArgument, requireCount } from '../core/errors';
import type { Batch, GradientTransform, Term, Updater } from '../core/types';
import type { Batches } from '../data/types';
import { requireKeep, type Keep } from '../model/capture';
import type { TextModel } from '../model/types';
import type { FitEvent } from './events';

export interface EvaluationOptions {
  /** Default `{ epochs: 1 }`. The end of the training is evaluated in any case. */
  readonly every?: { readonly steps: number } | { readonly epochs: number };
  /** What is judged: the accuracy on held-out examples, say. */
  readonly run: (model: TextModel) => Promise<number>;
  /** Whether a value beats the best one so far. Default: higher does. */
  readonly better?: (value: number, best: number) => boolean;
  /** Stops after this many evaluations in a row that did not beat the best. Default: never. */
  readonly patience?: number;
}

export interface CheckpointOptions {
  /** Written whole or not at all. */
  readonly folder: string;
  readonly everySteps: number;
}

export interface FitOptions<B extends Batch> {
  /** What is made small. */
  readonly objective: Term<B>;
  /** Opened anew for each epoch. */
  readonly data: Batches<B>;
  readonly optimizer: Updater;
  /** Attacks and the like around each evaluation, the first one outermost. Default none. */
  readonly transforms?: readonly GradientTransform[];
  /** Default 1; without limit where `steps` is given. */
  readonly epochs?: number;
  /** Stops after this many steps; with `epochs`, whichever comes first. */
  readonly steps?: number;
  /** Batches of one step. Default 1. */
  readonly accumulate?: number;
  /** How much a batch counts within its step and its epoch. Default: its examples; for token-wise losses, its tokens. */
  readonly count?: (batch: B) => number;
  /** Whole number from 0 to 2³² − 1 for everything random. Default: one is drawn and recorded in the result. */
  readonly seed?: number;
  /** Evaluates while training, keeps the best weights in memory and puts them back at the end. */
  readonly evaluate?: EvaluationOptions;
  readonly checkpoint?: CheckpointOptions;
  /**
   * What changes while training beside weights and optimizer, under names of your choice: `{ guard, memory }`. Checkpoints hold it, and `resume`
   * gives it back. The state of an optimizer is in a checkpoint in any case, and with it what it tracks (`si().tracked`). Default none.
   */
  readonly keep?: Keep;
  /** A folder that `checkpoint` wrote: the run goes on from there to the same bits as without interruption. */
  readonly resume?: string;
  /** Stops between two steps with the error 'aborted'; where there is a `checkpoint`, it is written before. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: FitEvent) => void;
}

/** Refuses bad options before anything is opened or made. */
export function requireFitOptions<B extends Batch>({
  epochs,
  steps,
  accumulate,
  seed,
  evaluate,
  checkpoint,
  keep,
}: FitOptions<B>): void {
  const optional = (name: string, value: number | undefined) => value === undefined || requireCount('fit', name, value);
  optional('epochs', epochs);
  optional('steps', steps);
  optional('accumulate', accumulate);
  if (seed !== undefined) requireCount('fit', 'seed', seed, 0, 0xffffffff);
  optional('evaluate.patience', evaluate?.patience);
  if (evaluate?.every) {
    const every: { steps?: number; epochs?: number } = evaluate.every;
    if (every.steps === undefined && every.epochs === undefined)
      throw badArgument('fit', 'evaluate.every must be { steps } or { epochs }');
    optional('evaluate.every.steps', every.steps);
    optional('evaluate.every.epochs', every.epochs);
  }
  if (keep) requireKeep('fit', keep);
  if (checkpoint) requireCount('fit', 'checkpoint.everySteps', checkpoint.everySteps);
}
