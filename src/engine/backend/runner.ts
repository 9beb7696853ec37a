import type { Device } from './device';
import type { OnnxType } from './emitters';
import type { Values } from './recording';

/** A tensor that goes into a graph. */
export interface Feed {
  readonly type: OnnxType;
  readonly dims: readonly number[];
  /** int64 is fed as pairs of 32-bit halves, low half first: BigInts are slow to make. */
  readonly data: Values;
}

/** A tensor that comes out, and the memory for it where the runner writes into ours. */
export interface Fetch {
  readonly type: 'float32' | 'int32' | 'bool';
  readonly dims: readonly number[];
  readonly data: Values | undefined;
}

/** A compiled graph. */
export interface Session {
  /** Computes the outputs, in order. The feeds and fetches belong to the run until its promise settles. */
  run(feeds: readonly Feed[], fetches: readonly Fetch[]): Promise<Values[]>;
  release(): Promise<void>;
}

/** One way to run ONNX graphs. */
export interface Runner {
  readonly name: RunnerName;
  readonly device: Device;
  /** For people: the version, the threads. */
  readonly description: string;
  /** Whether `run` writes into memory that we bring, so that it can be reused. */
  readonly writesIntoOurs: boolean;
  createSession(model: Uint8Array, inputs: readonly string[], outputs: readonly string[]): Promise<Session>;
  dispose(): Promise<void>;
}

export type RunnerName = 'capi' | 'node' | 'web';

export interface RunnerOptions {
  readonly threads: number;
  readonly device: Device;
  /** Whether idle threads wait in a busy loop for a moment: quicker alone on a machine, slower beside others. */
  readonly spin: boolean;
}
