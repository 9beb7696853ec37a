/** Mean loss of one epoch. */
export interface EpochRecord {
  readonly epoch: number;
  /** Steps taken by its end. */
  readonly step: number;
  readonly loss: number;
}

export interface EvaluationRecord {
  readonly step: number;
  readonly epoch: number;
  readonly value: number;
}

export interface History {
  readonly epochs: readonly EpochRecord[];
  readonly evaluations: readonly EvaluationRecord[];
}

/** Where a run stands: everything that the next step depends on beside tensors, as plain JSON. Replaced, never changed. */
export interface Progress {
  readonly seed: number;
  /** Draws of dropout seeds so far. */
  readonly draws: number;
  readonly step: number;
  readonly epoch: number;
  /** Batches of this epoch that are done. */
  readonly batch: number;
  /** Of this epoch so far: Σ count · loss and Σ count. */
  readonly lossSum: number;
  readonly countSum: number;
  readonly lastLoss?: number;
  readonly history: History;
  readonly best?: EvaluationRecord;
  /** Evaluations since the best one. */
  readonly waited: number;
}

export const startOf = (seed: number): Progress => ({
  seed,
  draws: 0,
  step: 0,
  epoch: 0,
  batch: 0,
  lossSum: 0,
  countSum: 0,
  history: { epochs: [], evaluations: [] },
  waited: 0,
});

/** Mean loss of the epoch that is under way, or of the last whole one. */
export const meanLoss = ({ lossSum, countSum, history }: Progress): number =>
  countSum > 0 ? lossSum / countSum : (history.epochs.at(-1)?.loss ?? NaN);
