import type { InferenceSession, Tensor } from 'onnxruntime-common';
import { importInstalled } from '../../engines/installed';
import type { OnnxType } from '../emitters';
import type { Values } from '../recording';
import type { Feed, Runner, RunnerOptions, Session } from '../runner';

/** The part of onnxruntime-node and onnxruntime-web that both share. */
export interface OrtModule {
  readonly InferenceSession: { create(model: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession> };
  readonly Tensor: new (type: Tensor.Type, data: Tensor.DataType, dims: readonly number[]) => Tensor;
}

/** Runs graphs through onnxruntime-node's own JavaScript API: copies its outputs and holds the JavaScript thread during a run. */
export async function createNodeRunner({ threads, device }: RunnerOptions): Promise<Runner> {
  const imported = (await importInstalled('onnxruntime-node')) as OrtModule & { default?: OrtModule };
  const ort = imported.default ?? imported;
  const options = {
    intraOpNumThreads: threads,
    logSeverityLevel: 4,
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
  } as const;
  return {
    name: 'node',
    device,
    description: `onnxruntime-node, ${device === 'cpu' ? `${threads} threads` : device}`,
    writesIntoOurs: false,
    createSession: (model, inputs, outputs) => createSession(ort, model, inputs, outputs, options),
    dispose: async () => {},
  };
}

/** A session behind the JavaScript API. */
export async function createSession(
  ort: OrtModule,
  model: Uint8Array,
  inputs: readonly string[],
  outputs: readonly string[],
  options: InferenceSession.SessionOptions,
): Promise<Session> {
  const session = await ort.InferenceSession.create(model, {
    graphOptimizationLevel: 'all',
    enableMemPattern: false,
    ...options,
  });
  return {
    async run(feeds, fetches) {
      const tensors = Object.fromEntries(inputs.map((name, i) => [name, toTensor(ort, feeds[i] as Feed)]));
      const results = await session.run(tensors, outputs);
      return fetches.map((_, i) => (results[outputs[i] as string] as Tensor).data as Values);
    },
    release: () => session.release(),
  };
}

const names: Readonly<Record<OnnxType, Tensor.Type>> = {
  float32: 'float32',
  int32: 'int32',
  bool: 'bool',
  int64: 'int64',
  uint32: 'uint32',
  uint64: 'uint64',
  uint8: 'uint8',
  double: 'float64',
};

/** The same bits under the typed array that the API wants for the type. */
function toTensor(ort: OrtModule, { type, dims, data }: Feed): Tensor {
  const { buffer, byteOffset, byteLength } = data;
  const wide = byteLength / 8;
  const view =
    type === 'int64'
      ? new BigInt64Array(buffer, byteOffset, wide)
      : type === 'uint64'
        ? new BigUint64Array(buffer, byteOffset, wide)
        : type === 'double'
          ? new Float64Array(buffer, byteOffset, wide)
          : type === 'uint32'
            ? new Uint32Array(buffer, byteOffset, byteLength / 4)
            : data;
  return new ort.Tensor(names[type], view as Tensor.DataType, dims);
}
