/** What a report holds: a number for a scalar, else the values in order. */
export type Report = number | Float32Array;

/** After each step. */
export interface StepEvent {
  readonly type: 'step';
  /** Steps taken so far, this one included. */
  readonly step: number;
  /** Counted from 0. */
  readonly epoch: number;
  /** Before this step's update. */
  readonly loss: number;
  /** Norm of the gradient over all weights, before any clipping. */
  readonly gradientNorm: number;
  /** What the terms reported, by name. */
  readonly reports: Readonly<Record<string, Report>>;
  /** Learning rate, where the optimizer tells it. */
  readonly rate?: number;
  readonly examples: number;
  /** Of this step, the wait for its batch included. */
  readonly milliseconds: number;
}

/** After each epoch. */
export interface EpochEvent {
  readonly type: 'epoch';
  readonly epoch: number;
  readonly step: number;
  /** Mean over the epoch's batches. */
  readonly loss: number;
  readonly milliseconds: number;
}

/** After each evaluation. */
export interface EvaluationEvent {
  readonly type: 'evaluation';
  readonly step: number;
  readonly epoch: number;
  readonly value: number;
  /** The best so far: these weights are kept. */
  readonly best: boolean;
  readonly milliseconds: number;
}

/** After each checkpoint that was written. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly step: number;
  readonly epoch: number;
  readonly folder: string;
  readonly milliseconds: number;
}

/** What `fit` tells while it runs: numbers and names, never text of the user's. */
export type FitEvent = StepEvent | EpochEvent | EvaluationEvent | CheckpointEvent;
