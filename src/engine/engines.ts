import * as tf from '@tensorflow/tfjs';
import { HoldfastError } from '../core/errors';
import { createOnnxBackend } from './backend';

export type EngineName = 'onnxruntime' | 'webgpu' | 'tensorflow' | 'wasm' | 'cpu';

/** One way to run the kernels, as found on this machine. */
export interface EngineFinding {
  readonly name: EngineName;
  readonly usable: boolean;
  /** What was found, or why it cannot be used. */
  readonly because: string;
  /** What to install or set, where that would help. */
  readonly hint?: string;
}

export interface UseEngineOptions {
  /** Default: the best that works here. */
  readonly engine?: EngineName;
  /** Threads of the onnxruntime engine. Default: all cores. */
  readonly threads?: number;
}

interface Engine {
  readonly name: EngineName;
  readonly hint: string;
  /** Starts the engine and says what it is; throws if it cannot. */
  start(options: UseEngineOptions): Promise<string>;
}

/** Loads an optional package without telling bundlers of it. */
const optional = async (name: string): Promise<unknown> =>
  (await import(/* webpackIgnore: true */ /* @vite-ignore */ name)) as unknown;

async function activate(backend: string): Promise<void> {
  if (!(await tf.setBackend(backend))) throw new Error(`tfjs could not start its '${backend}' backend`);
  await tf.ready();
}

const engines: readonly Engine[] = [
  {
    name: 'onnxruntime',
    hint: 'ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node koffi',
    async start({ threads }) {
      const backend = await createOnnxBackend(threads === undefined ? {} : { threads });
      await activate('onnxruntime');
      return backend.describe();
    },
  },
  {
    name: 'webgpu',
    hint: 'npm install @tensorflow/tfjs-backend-webgpu, in a browser with WebGPU',
    async start() {
      if (!(globalThis as { navigator?: { gpu?: unknown } }).navigator?.gpu) throw new Error('this runtime has no navigator.gpu');
      await optional('@tensorflow/tfjs-backend-webgpu');
      await activate('webgpu');
      return 'tfjs-backend-webgpu';
    },
  },
  {
    name: 'tensorflow',
    hint: 'npm install @tensorflow/tfjs-node-gpu (CUDA 11.2, Node 20) or @tensorflow/tfjs-node',
    async start() {
      await optional('@tensorflow/tfjs-node-gpu').catch(() => optional('@tensorflow/tfjs-node'));
      await activate('tensorflow');
      return 'libtensorflow through tfjs-node';
    },
  },
  {
    name: 'wasm',
    hint: 'npm install @tensorflow/tfjs-backend-wasm',
    async start() {
      await optional('@tensorflow/tfjs-backend-wasm');
      await activate('wasm');
      return 'tfjs-backend-wasm';
    },
  },
  {
    name: 'cpu',
    hint: '',
    async start() {
      await activate('cpu');
      return "tfjs's plain JavaScript kernels: a reference, far too slow to train a real encoder";
    },
  },
];

/**
 * Chooses where the kernels run: by default the best engine that works on this machine, in the order onnxruntime, webgpu,
 * tensorflow, wasm, cpu. Called once, before a model is loaded; `loadModel` calls it when nobody did.
 *
 * @returns which engine it is and why
 * @throws HoldfastError `engine-unavailable` if the engine that was asked for cannot run, with the reason
 * @example
 * const { name, because } = await useEngine();
 */
export async function useEngine(options: UseEngineOptions = {}): Promise<EngineFinding> {
  const asked = options.engine;
  const known = engines.map(({ name }) => name);
  if (asked !== undefined && !known.includes(asked)) {
    throw new HoldfastError('bad-argument', `useEngine: engine must be one of ${known.join(', ')}, got '${String(asked)}'`);
  }
  const failures: string[] = [];
  for (const engine of engines.filter(({ name }) => asked === undefined || name === asked)) {
    try {
      const what = await engine.start(options);
      const because = failures.length === 0 ? what : `${what}; not better, because ${failures.join('; ')}`;
      return { name: engine.name, usable: true, because };
    } catch (cause) {
      failures.push(`${engine.name}: ${firstLine(cause)}`);
      if (asked !== undefined) {
        throw new HoldfastError(
          'engine-unavailable',
          `The engine '${asked}' cannot run here: ${firstLine(cause)}. Try: ${engine.hint}`,
          { cause },
        );
      }
    }
  }
  throw new HoldfastError('engine-unavailable', `No engine runs here. ${failures.join('. ')}`);
}

/** Tries every engine and says what it found; the engine in use stays the same. */
export async function listEngines(): Promise<EngineFinding[]> {
  const before = tf.findBackend(tf.getBackend() || 'cpu') ? tf.getBackend() : '';
  const findings: EngineFinding[] = [];
  for (const { name, start, hint } of engines) {
    try {
      findings.push({ name, usable: true, because: await start({}) });
    } catch (cause) {
      findings.push({ name, usable: false, because: firstLine(cause), hint });
    }
  }
  if (before) await tf.setBackend(before);
  return findings;
}

const firstLine = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0] ?? '';
