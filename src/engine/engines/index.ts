import * as tf from '@tensorflow/tfjs';
import { badArgument, HoldfastError, isHoldfastError } from '../../core/errors';
import { isNode } from '../../core/nodeModule';
import { shared } from '../../core/shared';
import { devices } from '../backend/device';
import { backendName } from '../backend/emitters';
import { cpu } from './cpu';
import { type Engine, type EngineName, firstLine, type StartOptions, type UseEngineOptions } from './engine';
import { onnxruntime } from './onnxruntime';
import { tensorflow } from './tensorflow';
import { wasm } from './wasm';
import { webgpu } from './webgpu';

export type { EngineName, UseEngineOptions };

/** One way to run the kernels, as found on this machine. */
export interface EngineFinding {
  readonly name: EngineName;
  readonly usable: boolean;
  /** What was found, or why it cannot be used. */
  readonly because: string;
  /** What to install or set, where that would help. */
  readonly hint?: string;
}

/** Best first. */
const engines: readonly Engine[] = [onnxruntime, webgpu, tensorflow, wasm, cpu];

/**
 * Chooses where the kernels run: by default the best engine that works on this machine, in the order onnxruntime, webgpu, tensorflow,
 * wasm, cpu. Called once, before a model is loaded; `loadModel` calls it when nobody did.
 *
 * **Limits** ONNX Runtime's WebAssembly build is chosen after webgpu and tensorflow, and a software GPU driver not at all unless it is
 * asked for. `device` and `runner` belong to the onnxruntime engine and choose it.
 *
 * @returns which engine it is and why
 * @throws HoldfastError `bad-argument` for an unknown engine or device; `engine-unavailable` if the engine that was asked for cannot run,
 * with the reason: the engine in use stays the same
 * @example
 * const { name, because } = await useEngine();
 */
export function useEngine(options: UseEngineOptions = {}): Promise<EngineFinding> {
  const found = choices.last.then(() => choose(options));
  choices.last = found.catch(() => {});
  return found;
}

/** One after the other: two models that are loaded at the same time must not start two engines at the same time. */
const choices = shared<{ last: Promise<unknown> }>('engine.choices', () => ({ last: Promise.resolve() }));

async function choose(options: UseEngineOptions): Promise<EngineFinding> {
  const asked = checked(options);
  const failures: string[] = [];
  for (const [engine, settings] of asked ? [[asked, options] as const] : byDefault(options)) {
    try {
      const what = await engine.start(settings);
      const because = failures.length === 0 ? what : `${what}; not better, because ${failures.join('; ')}`;
      return { name: engine.name, usable: true, because };
    } catch (cause) {
      if (isHoldfastError(cause) && cause.code === 'bad-argument') throw cause;
      if (asked) throw unavailable(engine, options, cause);
      failures.push(`${engine.name}: ${firstLine(cause)}`);
    }
  }
  throw new HoldfastError('engine-unavailable', `No engine runs here. ${failures.join('. ')}`);
}

/** What can run here, and what not and why. Starts nothing: the engine in use stays the same. */
export async function listEngines(): Promise<EngineFinding[]> {
  const found = engines.map(async ({ name, probe, hint }): Promise<EngineFinding> => {
    try {
      return { name, usable: true, because: await probe() };
    } catch (cause) {
      return { name, usable: false, because: firstLine(cause), hint: hint({}) };
    }
  });
  return Promise.all(found);
}

/** The engine that the options name; undefined where the best is wanted. */
function checked({ engine, device, runner }: UseEngineOptions): Engine | undefined {
  const asked = engines.find(({ name }) => name === engine);
  if (engine !== undefined && !asked) {
    throw badArgument(
      'useEngine',
      `engine must be one of ${engines.map(({ name }) => name).join(', ')}, got '${String(engine)}'`,
    );
  }
  if (device !== undefined && !devices.includes(device)) {
    throw badArgument('useEngine', `device must be one of ${devices.join(', ')}, got '${String(device)}'`);
  }
  if (device === undefined && runner === undefined) return asked;
  if (!asked || asked === onnxruntime) return onnxruntime;
  const option = device === undefined ? 'runner' : 'device';
  throw badArgument('useEngine', `${option} is for the engine 'onnxruntime', got it with '${asked.name}'`);
}

/** The order of trial. ONNX Runtime's native build comes first, its WebAssembly build after the GPU and libtensorflow. */
function byDefault(options: UseEngineOptions): readonly (readonly [Engine, StartOptions])[] {
  const others = [webgpu, tensorflow].map((engine) => [engine, options] as const);
  const last = [wasm, cpu].map((engine) => [engine, options] as const);
  // One that is there already goes on, whatever it runs on.
  if (tf.findBackend(backendName)) return [[onnxruntime, options], ...others, ...last];
  const native = [onnxruntime, { ...options, runner: ['capi', 'node'] }] as const;
  return [...(isNode ? [native] : []), ...others, [onnxruntime, { ...options, runner: 'web' }], ...last];
}

function unavailable({ name, hint }: Engine, options: UseEngineOptions, cause: unknown): HoldfastError {
  const advice = hint(options) === '' ? '' : ` Try: ${hint(options)}`;
  return new HoldfastError('engine-unavailable', `The engine '${name}' cannot run here: ${firstLine(cause)}.${advice}`, {
    cause,
  });
}
