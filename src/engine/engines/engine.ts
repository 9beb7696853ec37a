import * as tf from '@tensorflow/tfjs';
import { shared } from '../../core/shared';
import type { RunnerName } from '../backend/runner';
import type { Device } from '../backend/device';

export type EngineName = 'onnxruntime' | 'webgpu' | 'tensorflow' | 'wasm' | 'cpu';

export interface UseEngineOptions {
  /** Default: the best that works here. */
  readonly engine?: EngineName;
  /** Where the onnxruntime engine computes. `webgpu` and `cuda` need an ONNX Runtime that was built with them. Default: `cpu`. */
  readonly device?: Device;
  /** Threads of the onnxruntime engine; its first start in the process decides. Default: all cores. */
  readonly threads?: number;
  /** How the onnxruntime engine calls ONNX Runtime: its C API, onnxruntime-node or onnxruntime-web. Default: the first that works. */
  readonly runner?: RunnerName;
}

/** The same with several runners to choose from, best first. */
export type StartOptions = Omit<UseEngineOptions, 'runner'> & { readonly runner?: RunnerName | readonly RunnerName[] };

/** One way to run the kernels. */
export interface Engine {
  readonly name: EngineName;
  /** What to install or set where it cannot run. */
  hint(options: StartOptions): string;
  /** Says what would run, or throws with the reason why it cannot; changes nothing in tfjs. */
  probe(): Promise<string>;
  /** Puts the engine in use and says what it is, or throws and leaves the engine in use as it was. */
  start(options: StartOptions): Promise<string>;
}

/** Puts a registered backend in use; where it does not start, the one before stays in use. */
export async function activate(backend: string): Promise<void> {
  const engine = tf.engine() as unknown as { backendName: string | null; backendInstance: tf.KernelBackend | null };
  const { backendName, backendInstance } = engine;
  if (await tf.setBackend(backend).catch(() => false)) return;
  // tfjs has written the new name down by now, and would compute with a backend that is not there.
  Object.assign(engine, { backendName, backendInstance });
  throw new Error(`tfjs could not start its '${backend}' backend`);
}

/**
 * Loads a package that registers a backend. Its priority is taken away: tfjs would otherwise take it unasked, for everything, when no
 * backend is in use.
 */
export async function loadBackend(backend: string, load: () => Promise<unknown>): Promise<void> {
  if (tf.findBackendFactory(backend)) return;
  const known = factories.get(backend);
  if (!known) await load();
  // A package registers itself once, when it is loaded; after `tf.removeBackend` it is gone for good, but for this.
  const factory = known ?? tf.findBackendFactory(backend);
  if (!factory) throw new Error(`its package does not bring the backend '${backend}' here`);
  factories.set(backend, factory);
  if (!known) tf.removeBackend(backend);
  tf.registerBackend(backend, factory, 0);
}

const factories = shared('engine.factories', () => new Map<string, ReturnType<typeof tf.findBackendFactory>>());

export const firstLine = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0] ?? '';
