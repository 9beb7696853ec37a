import * as tf from '@tensorflow/tfjs';
import { badArgument, HoldfastError, requireCount } from '../../core/errors';
import { shared } from '../../core/shared';
import { OnnxBackend } from './backend';
import { defineKernels } from './define';
import { backendName } from './emitters';
import { registerGradients } from './gradients';
import type { Runner, RunnerName, RunnerOptions } from './runner';

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
export type { RunnerName } from './runner';

export interface OnnxBackendOptions {
  /** `capi` (C API through koffi), `node` (onnxruntime-node) or `web` (onnxruntime-web). Default: the first of them that works here. */
  readonly runner?: RunnerName;
  /** Threads that compute. Default: all cores. The `capi` runner's are made once per process. */
  readonly threads?: number;
  /** Let idle threads spin between operations (`capi` only). Turn it off where other work shares the cores. Default: true. */
  readonly spin?: boolean;
  /** How many compiled graphs are kept. Default: 64. */
  readonly sessions?: number;
}

const isNode = typeof process !== 'undefined' && !!process.versions?.node;

const runners: Readonly<Record<RunnerName, (options: RunnerOptions) => Promise<Runner>>> = {
  capi: async (options) => (await import('./runners/capi')).createCapiRunner(options),
  node: async (options) => (await import('./runners/node')).createNodeRunner(options),
  web: async (options) => (await import('./runners/web')).createWebRunner(options),
};

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
  const { runner, threads, sessions } = wanted;
  if (threads !== undefined) requireCount('createOnnxBackend', 'threads', threads);
  if (sessions !== undefined) requireCount('createOnnxBackend', 'sessions', sessions);
  if (runner !== undefined && !(runner in runners)) {
    throw badArgument('createOnnxBackend', `runner must be one of ${Object.keys(runners).join(', ')}, got '${String(runner)}'`);
  }
  const existing = current.backend ?? (await current.starting);
  if (existing && (runner === undefined || existing.runner.name === runner)) return existing;
  if (existing) {
    const problem = `the process runs its graphs with '${existing.runner.name}' already; call tf.removeBackend('${backendName}') first`;
    throw badArgument('createOnnxBackend', problem);
  }
  const names: readonly RunnerName[] = runner ? [runner] : isNode ? ['capi', 'node', 'web'] : ['web'];
  current.starting = start(names, wanted);
  try {
    return await current.starting;
  } finally {
    current.starting = undefined;
  }
}

async function start(names: readonly RunnerName[], { threads, sessions, spin = true }: OnnxBackendOptions): Promise<OnnxBackend> {
  const runner = await startRunner(names, { threads: threads ?? (await defaultThreads()), spin });
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
      return await runners[name](options);
    } catch (cause) {
      reasons.push(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }
  throw new HoldfastError('engine-unavailable', `ONNX Runtime cannot run here. ${reasons.join('; ')}`);
}

async function defaultThreads(): Promise<number> {
  if (!isNode) return (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator?.hardwareConcurrency ?? 1;
  return (await import('node:os')).availableParallelism();
}
