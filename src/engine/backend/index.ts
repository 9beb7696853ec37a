import * as tf from '@tensorflow/tfjs';
import { badArgument, HoldfastError, requireCount } from '../../core/errors';
import { isNode, nodeModule } from '../../core/nodeModule';
import { shared } from '../../core/shared';
import { OnnxBackend } from './backend';
import { defineKernels } from './define';
import { type Device, devices } from './device';
import { backendName } from './emitters';
import { registerGradients } from './gradients';
import type { Runner, RunnerName, RunnerOptions } from './runner';
import { requireDevice } from './smallest';

export { OnnxBackend, type OutputSpec } from './backend';
export { defineKernel } from './define';
export {
  backendName,
  emit,
  type Attribute,
  type DType,
  type Emitter,
  type Graph,
  type Inputs,
  type Kernel,
  type Operation,
} from './emitters';
export type { Device } from './device';
export { probeOnnxRuntime } from './probe';
export type { RunnerName } from './runner';

export interface OnnxBackendOptions {
  /**
   * `capi` (C API through koffi), `node` (onnxruntime-node) or `web` (onnxruntime-web), or several, best first. Default: the first of them
   * that works here.
   */
  readonly runner?: RunnerName | readonly RunnerName[];
  /** Where ONNX Runtime computes. Default: `cpu`. */
  readonly device?: Device;
  /** Threads that compute. Default: all cores. The `capi` runner's are made once per process. */
  readonly threads?: number;
  /**
   * Let idle threads spin between operations (`capi` only). Default false: alone on the machine it is as fast without, and beside other
   * work 1.4 times as fast (two trainings on 2 cores).
   */
  readonly spin?: boolean;
  /** How many compiled graphs are kept. Default: 64. */
  readonly sessions?: number;
}

const runners: Readonly<Record<RunnerName, (options: RunnerOptions) => Promise<Runner>>> = {
  capi: async (options) => (await import('./runners/capi')).createCapiRunner(options),
  node: async (options) => (await import('./runners/node')).createNodeRunner(options),
  web: async (options) => (await import('./runners/web')).createWebRunner(options),
};

/** The web runner has the CPU only. */
const runnersFor = (device: Device = 'cpu'): readonly RunnerName[] =>
  !isNode ? ['web'] : device === 'cpu' ? ['capi', 'node', 'web'] : ['capi', 'node'];

/** The one backend of the process. */
const current = shared('onnxruntime.backend', () => ({
  backend: undefined as OnnxBackend | undefined,
  starting: undefined as Promise<OnnxBackend> | undefined,
}));

/**
 * Creates the `onnxruntime` backend and registers it and its kernels on tfjs; `await tf.setBackend('onnxruntime')` then uses it. There is
 * one per process: a second call returns it, unless it asks for another runner.
 *
 * @throws HoldfastError `engine-unavailable` if no runner works here, with each one's reason
 */
export async function createOnnxBackend(wanted: OnnxBackendOptions = {}): Promise<OnnxBackend> {
  const { threads, sessions, device } = wanted;
  if (threads !== undefined) requireCount('createOnnxBackend', 'threads', threads);
  if (sessions !== undefined) requireCount('createOnnxBackend', 'sessions', sessions);
  const names = wanted.runner === undefined ? runnersFor(device) : [wanted.runner].flat();
  requireKnown('runner', names, Object.keys(runners));
  if (device !== undefined) requireKnown('device', [device], devices);
  while (current.starting) await current.starting.catch(() => {});
  const existing = current.backend;
  if (existing) return matching(existing, wanted.runner === undefined ? [existing.runner.name] : names, device);
  current.starting = start(names, wanted);
  try {
    return await current.starting;
  } finally {
    current.starting = undefined;
  }
}

/** The backend that is there, if it is what was asked for. */
function matching(existing: OnnxBackend, names: readonly RunnerName[], device: Device | undefined): OnnxBackend {
  const { runner } = existing;
  if (names.includes(runner.name) && (device ?? runner.device) === runner.device) return existing;
  const problem = `the process runs its graphs with '${runner.name}' on '${runner.device}' already; call tf.removeBackend('${backendName}') first`;
  throw badArgument('createOnnxBackend', problem);
}

function requireKnown(option: string, values: readonly string[], known: readonly string[]): void {
  const unknown = values.find((value) => !known.includes(value));
  if (unknown === undefined) return;
  throw badArgument('createOnnxBackend', `${option} must be one of ${known.join(', ')}, got '${unknown}'`);
}

async function start(names: readonly RunnerName[], wanted: OnnxBackendOptions): Promise<OnnxBackend> {
  const { threads, sessions, spin = false, device = 'cpu' } = wanted;
  const runner = await startRunner(names, { threads: threads ?? (await defaultThreads()), spin, device });
  const backend = new OnnxBackend(runner, sessions === undefined ? {} : { sessions });
  registerOnnxBackend(backend);
  return backend;
}

/** Registers a backend and all kernels on tfjs, with the lowest priority: nothing uses it unasked. */
export function registerOnnxBackend(backend: OnnxBackend): void {
  current.backend = backend;
  backend.whenDisposed(() => {
    if (current.backend === backend) current.backend = undefined;
  });
  defineKernels();
  registerGradients();
  tf.registerBackend(backendName, () => backend, 0);
}

async function startRunner(names: readonly RunnerName[], options: RunnerOptions): Promise<Runner> {
  const reasons: string[] = [];
  for (const name of names) {
    try {
      const runner = await runners[name](options);
      await requireDevice(runner);
      return runner;
    } catch (cause) {
      reasons.push(
        `${name}: ${(cause instanceof Error ? cause.message : String(cause)).replace(/^\/onnxruntime_src\S+ .*? was false\. /, '').trim()}`,
      );
    }
  }
  throw new HoldfastError('engine-unavailable', `ONNX Runtime cannot run here. ${reasons.join('; ')}`);
}

async function defaultThreads(): Promise<number> {
  if (!isNode) return (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator?.hardwareConcurrency ?? 1;
  return (await nodeModule<typeof import('node:os')>('node:os')).availableParallelism();
}
