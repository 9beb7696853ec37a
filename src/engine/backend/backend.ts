import type * as tf from '@tensorflow/tfjs';
import { HoldfastError } from '../../core/errors';
import { backendName, type DType, isComputable } from './emitters';
import { type BackendStats, Executor } from './executor';
import { handOut, viewOf } from './ownership';
import { type Input, Value, type Values } from './recording';
import type { Runner } from './runner';
import { ValueStorage } from './storage';

/** One output of an operation that is being recorded. */
export interface OutputSpec {
  readonly shape: readonly number[];
  readonly dtype: DType;
}

export interface RecordOptions {
  /** Output 0 may take the memory of input 0 where nobody else needs it. Only for operations that read each element before they write its place. */
  readonly overwrites?: boolean;
}

/**
 * The lazy tfjs backend over ONNX Runtime: kernels record operations, a read computes what was recorded and is still needed. Reads are
 * asynchronous; `cut()` ends a graph. See `emitters.ts` for how kernels are added.
 */
export class OnnxBackend extends ValueStorage {
  private readonly executor: Executor;
  private onDispose: (() => void) | undefined;

  constructor(
    readonly runner: Runner,
    { sessions = 64 }: { readonly sessions?: number } = {},
  ) {
    super();
    this.executor = new Executor(this.recording, this.pool, runner, sessions);
  }

  /** What has happened so far, and `bytes`: the memory of computed and written values right now. */
  get stats(): Readonly<BackendStats> & { readonly bytes: number; readonly pending: number; readonly pooledBytes: number } {
    return { ...this.executor.stats, bytes: this.bytes, pending: this.recording.pending.size, pooledBytes: this.pool.idleBytes };
  }

  /** One line for people. */
  describe(): string {
    return this.runner.description;
  }

  /** Records one operation; nothing is computed. See `emitters.ts`. */
  record(
    op: string,
    inputs: readonly tf.TensorInfo[],
    attributes: Readonly<Record<string, unknown>>,
    output: OutputSpec,
    how?: RecordOptions,
  ): tf.TensorInfo;
  record(
    op: string,
    inputs: readonly tf.TensorInfo[],
    attributes: Readonly<Record<string, unknown>>,
    outputs: readonly OutputSpec[],
  ): tf.TensorInfo[];
  record(
    op: string,
    inputs: readonly tf.TensorInfo[],
    attributes: Readonly<Record<string, unknown>>,
    outputs: OutputSpec | readonly OutputSpec[],
    { overwrites = false }: RecordOptions = {},
  ): tf.TensorInfo | tf.TensorInfo[] {
    const specs = 'shape' in outputs ? [outputs] : outputs;
    const values = specs.map(({ shape, dtype }) => new Value(shape, dtype));
    // Without elements there is nothing to compute, and ONNX Runtime refuses some empty tensors.
    if (values.every(({ shape }) => shape.includes(0)))
      for (const value of values) value.values = viewOf(value.dtype, new ArrayBuffer(0), 0);
    else
      this.recording.add(
        op,
        inputs.map((input) => this.input(op, input)),
        attributes,
        values,
        overwrites,
      );
    const infos = values.map((value) => this.keep(value));
    return 'shape' in outputs ? (infos[0] as tf.TensorInfo) : infos;
  }

  /** The same data under another shape: no operation at all. */
  view({ dataId, dtype }: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
    this.incRef(dataId);
    return { dataId, shape: shape as number[], dtype };
  }

  /** A tensor of values that are known now. They go into a graph as an input, never as a constant. */
  constant(values: Values, shape: readonly number[], dtype: DType): tf.TensorInfo {
    return { dataId: this.write(values, shape as number[], dtype), shape: shape as number[], dtype };
  }

  /** Lets operations that overwrite take a tensor's memory, although the tensor holds it. */
  lend({ dataId }: tf.TensorInfo): { taken(): boolean; end(): void } {
    const value = this.storage.get(dataId);
    value.lent++;
    return { taken: () => !value.values && !value.producer, end: () => void value.lent-- };
  }

  /** The operation that will compute a tensor, for kernels that can do better when they know it. */
  pendingOp(tensor: tf.TensorInfo): { readonly op: string; readonly attributes: Readonly<Record<string, unknown>> } | undefined {
    return this.storage.get(tensor.dataId).producer;
  }

  /** Ends a segment: what was recorded until here becomes graphs of its own, run before what comes later. */
  cut(): void {
    this.recording.segment++;
  }

  /** Computes everything that was recorded so far. */
  async flush(): Promise<void> {
    await this.executor.flush();
  }

  /** Forgets all compiled graphs; they are compiled anew when needed. */
  async releaseSessions(): Promise<void> {
    await this.executor.releaseSessions();
  }

  override async read(dataId: tf.DataId): Promise<tf.BackendValues> {
    const value = this.storage.get(dataId);
    if (value.strings) return value.strings;
    // A failure elsewhere is no concern of this read; one here shows below.
    if (!value.values) await this.executor.flush().catch(() => {});
    if (value.producer?.state === 'failed') await this.executor.retry(value);
    return handOut(value);
  }

  override readSync(dataId: tf.DataId): tf.BackendValues {
    const value = this.storage.get(dataId);
    if (value.strings) return value.strings;
    if (value.values) return handOut(value);
    throw new HoldfastError(
      'engine-failed',
      'This tensor is not computed yet, and the onnxruntime engine computes asynchronously: use `await tensor.data()` instead of ' +
        '`dataSync()`, `arraySync()`, `print()` or `toString()`. After it they work, too.',
    );
  }

  override memory(): { unreliable: boolean; numBytesInBackend: number; numBytesPooled: number } {
    return { unreliable: false, numBytesInBackend: this.bytes, numBytesPooled: this.pool.idleBytes };
  }

  /** tfjs reads synchronously after each kernel unless a backend can time itself, so `tf.profile` works only with this. */
  override timerAvailable(): boolean {
    return true;
  }

  override async time(f: () => void): Promise<tf.BackendTimingInfo> {
    const before = this.executor.stats.runMs;
    f();
    await this.flush();
    return { kernelMs: this.executor.stats.runMs - before };
  }

  /** Called once when the backend is removed from tfjs. */
  whenDisposed(action: () => void): void {
    this.onDispose = action;
  }

  override dispose(): void {
    this.onDispose?.();
    this.pool.clear();
    void this.executor.dispose();
  }

  private input(op: string, { dataId, shape, dtype }: tf.TensorInfo): Input {
    if (!isComputable(dtype))
      throw new HoldfastError('kernel-missing', `'${op}' of ${dtype} tensors is not available on the ${backendName} engine`);
    return { value: this.storage.get(dataId), shape, dtype };
  }
}
