import * as tf from '@tensorflow/tfjs';
import { listEngines, useEngine, type UseEngineOptions } from '../../../src/engine';
import { createOnnxBackend } from '../../../src/engine/backend';

/** One engine under test. */
export interface Candidate {
  readonly name: string;
  readonly options: UseEngineOptions;
  /** Run all random programs in `npm test` too. */
  readonly everyProgram?: boolean;
  /** What the engine's own kernels do otherwise, by `family / test / case`, and why that is left so. */
  readonly known?: readonly { readonly where: RegExp; readonly because: string }[];
  /** WebGPU's sine, cosine and their like may be off by 2⁻¹¹. */
  readonly coarse?: RegExp;
}

const floorDiv = { where: /^binary \/ floorDiv/, because: 'gives whole numbers as float32' };
const nothing = {
  where: /\[(\d+,)*0(,\d+)*\]|\/ (reshape.*empty|concat empty|pad nothing)/,
  because: 'tensors without elements',
};
const notANumber = { where: /keeps signs of special values/, because: 'GPUs and SIMD may lose NaN' };

export const candidates: Readonly<Record<string, Candidate>> = {
  capi: { name: 'onnxruntime (C API)', options: { engine: 'onnxruntime', runner: 'capi', threads: 1 }, everyProgram: true },
  node: { name: 'onnxruntime (onnxruntime-node)', options: { engine: 'onnxruntime', runner: 'node', threads: 1 } },
  web: { name: 'onnxruntime (onnxruntime-web)', options: { engine: 'onnxruntime', runner: 'web', threads: 1 } },
  wasm: {
    name: 'wasm',
    options: { engine: 'wasm' },
    known: [
      floorDiv,
      nothing,
      notANumber,
      { where: /^binary \/ prelu/, because: 'has the shape of x, whatever alpha broadcasts to' },
      { where: /^binary \/ of whole numbers \/ by zero/, because: 'dividing whole numbers by zero traps' },
      { where: /^matmul .* \/ ints/, because: 'multiplies float32 matrices only' },
      { where: /^gather .* \/ batch (inner|of 2)/, because: 'is wrong with batch dimensions; nothing here uses them' },
    ],
  },
  webgpu: {
    name: 'webgpu',
    options: { engine: 'webgpu' },
    coarse: /sin|cos|tan/,
    known: [
      nothing,
      notANumber,
      { where: /^(elementwise|binary|shapes) .*\[\d+(,\d+){4}\]/, because: 'where and unstack of rank 5 are missing' },
      { where: /^binary \/ of whole numbers \/ by zero/, because: 'gives the lowest number' },
      { where: /^reductions \/ prod/, because: 'forgets keepDims' },
      { where: /^reductions \/ of whole numbers .* bools/, because: 'gives int32' },
      { where: /^gather .* \/ segments (outside|of ints)/, because: 'takes ids modulo their number, and sums int32 wrongly' },
      { where: /^select.* \/ linspace/, because: 'one step is NaN' },
    ],
  },
  gpu: {
    name: 'onnxruntime on webgpu',
    options: { engine: 'onnxruntime', device: 'webgpu' },
    coarse: /sin|cos|tan/,
    known: [notANumber, { where: /^binary \/ pow .*\[2,3,4\]/, because: 'its shader of this broadcast fails, and says so' }],
  },
  tensorflow: {
    name: 'tensorflow',
    options: { engine: 'tensorflow' },
    known: [
      floorDiv,
      nothing,
      { where: /^elementwise \/ of int32 and bool \/ int [67]/, because: 'refuses step and isNaN of whole numbers' },
      { where: /^binary \/ of whole numbers \/ (bool|by zero)/, because: 'refuses to order bools and to divide by zero' },
      { where: /^reductions \/ of whole numbers .* bools/, because: 'refuses to add up bools' },
      { where: /^gather .* \/ last/, because: 'refuses a negative axis' },
      { where: /^gather .* \/ segments outside/, because: 'refuses ids that are too large' },
    ],
  },
};

/** Why a candidate cannot run here; undefined if it can. */
export async function missing({ options }: Candidate): Promise<string | undefined> {
  const wanted = options.device === 'webgpu' ? 'webgpu' : options.engine;
  const found = (await listEngines()).find(({ name }) => name === wanted)!;
  return found.usable ? undefined : found.because;
}

/** Puts a candidate in use and says how tfjs calls its backend. Graphs are all kept, so that a wrong cache key shows. */
export async function start({ options }: Candidate): Promise<string> {
  const { engine, device, runner, threads } = options;
  if (engine === 'onnxruntime') {
    await createOnnxBackend({
      sessions: 5000,
      ...(device && { device }),
      ...(runner && { runner }),
      ...(threads && { threads }),
    });
  }
  await useEngine(options);
  return tf.getBackend();
}
