import { shared } from '../../../core/shared';
import type { Device } from '../device';
import { typeCodes } from '../model';
import type { Values } from '../recording';
import type { Feed, Fetch, Runner, RunnerOptions, Session } from '../runner';
import { int64s } from '../scalars';
import { smallestModel } from '../smallest';
import { loadOrtApi, type OrtApi, type Pointer } from './ortApi';

/** The largest rank whose dimensions fit into the scratch below. */
const maxRank = 64;

/** Runs graphs through ONNX Runtime's C API: off the JavaScript thread, and into memory that we bring and reuse. */
export async function createCapiRunner({ threads, spin, device }: RunnerOptions): Promise<Runner> {
  const api = await loadOrtApi();
  const env = createEnvironment(api, threads, spin);
  const info = api.create('createCpuMemoryInfo', 1, 0);
  const shares = await sharesThreads(api, env);
  const settings = { api, env, info, threads, device, sharesThreads: shares, sharesArena: sharesArena(api, env, info) };
  const computing = shares ? (pool.threads ??= threads) : threads;
  return {
    name: 'capi',
    device,
    description: `onnxruntime ${api.version} through its C API, ${device === 'cpu' ? `${computing} threads` : device}`,
    writesIntoOurs: true,
    createSession: (model, inputs, outputs) => createSession(settings, model, inputs, outputs),
    // The environment and its threads live as long as the process: ONNX Runtime has one of them.
    dispose: async () => {},
  };
}

/** The environment lives as long as the process, and with it as many threads as the first one to ask for it wanted. */
const pool = shared('onnxruntime.pool', () => ({ threads: undefined as number | undefined }));

interface Settings {
  readonly api: OrtApi;
  readonly env: Pointer;
  readonly info: Pointer;
  readonly threads: number;
  readonly device: Device;
  readonly sharesThreads: boolean;
  readonly sharesArena: boolean;
}

/** An environment with one thread pool for all sessions: with one each, idle pools would fight for the cores. */
function createEnvironment(api: OrtApi, threads: number, spin: boolean): Pointer {
  const threading = api.create('createThreadingOptions');
  try {
    api.call('setGlobalIntraOpThreads', threading, threads);
    api.call('setGlobalSpinControl', threading, spin ? 1 : 0);
    return api.create('createEnv', silent, 'holdfast', threading);
  } finally {
    api.call('releaseThreadingOptions', threading);
  }
}

/** Whether sessions can share threads: the process has one environment, and another package may have made it without a pool. */
async function sharesThreads(api: OrtApi, env: Pointer): Promise<boolean> {
  try {
    const settings = { api, env, threads: 1, device: 'cpu', sharesThreads: true, sharesArena: false } as const;
    api.call('releaseSession', await compile(settings, smallestModel()));
    return true;
  } catch {
    return false;
  }
}

/** What the device cannot do stays on the CPU: ONNX Runtime moves tensors between them. */
function useDevice(api: OrtApi, options: Pointer, device: Device): void {
  if (device === 'webgpu') api.call('appendProvider', options, 'WebGPU', null, null, 0);
  if (device !== 'cuda') return;
  const cuda = api.create('createCudaOptions');
  try {
    api.call('appendCuda', options, cuda);
  } finally {
    api.call('releaseCudaOptions', cuda);
  }
}

let arenaMade = false;

/** One arena for the intermediate values of all sessions, so that they need the most that one of them needs, not the sum. */
function sharesArena(api: OrtApi, env: Pointer, info: Pointer): boolean {
  if (!arenaMade) api.call('createAndRegisterAllocator', env, info, null);
  return (arenaMade = true);
}

/** ONNX Runtime's log level "fatal": errors reach us as exceptions, so it need not print them as well. */
const silent = 4;
const allOptimisations = 99;

async function compile(
  { api, env, threads, device, sharesThreads, sharesArena }: Omit<Settings, 'info'>,
  model: Uint8Array,
): Promise<Pointer> {
  const options = api.create('createSessionOptions');
  const session = new BigUint64Array(new ArrayBuffer(64));
  try {
    api.call('setOptimisation', options, allOptimisations);
    api.call('setLogSeverity', options, silent);
    // A memory plan is kept for every set of input shapes, without bound, and each comes on top of the arena (measured: 1,140 MB beside
    // 700 MB for a BERT of 6 layers, no faster).
    api.call('disableMemPattern', options);
    useDevice(api, options, device);
    if (sharesArena) api.call('addConfigEntry', options, 'session.use_env_allocators', '1');
    if (sharesThreads) api.call('disablePerSessionThreads', options);
    else api.call('setIntraOpThreads', options, threads);
    await api.callAsync('createSession', env, model, model.byteLength, options, session);
    return session[0] as Pointer;
  } finally {
    api.call('releaseSessionOptions', options);
  }
}

async function createSession(
  settings: Settings,
  model: Uint8Array,
  inputs: readonly string[],
  outputs: readonly string[],
): Promise<Session> {
  const { api, info } = settings;
  const session = await compile(settings, model);
  const inputNames = cStrings(api, inputs);
  const outputNames = cStrings(api, outputs);
  const inputValues = new BigUint64Array(new ArrayBuffer(8 * inputs.length + 64));
  const outputValues = new BigUint64Array(new ArrayBuffer(8 * outputs.length + 64));
  return {
    async run(feeds, fetches) {
      const values: Pointer[] = [];
      const pin = { feeds, fetches };
      running.add(pin);
      try {
        feeds.forEach((feed, i) => values.push((inputValues[i] = tensor(api, info, feed, feed.data))));
        fetches.forEach((fetch, i) => values.push((outputValues[i] = tensor(api, info, fetch, fetch.data as Values))));
        await api.callAsync(
          'run',
          session,
          null,
          inputNames.pointers,
          inputValues,
          feeds.length,
          outputNames.pointers,
          fetches.length,
          outputValues,
        );
      } finally {
        for (const value of values) api.call('releaseValue', value);
        running.delete(pin);
      }
      return fetches.map(({ data }) => data as Values);
    },
    async release() {
      api.call('releaseSession', session);
    },
  };
}

/** What the graphs under way read and write: ONNX Runtime has only the addresses. */
const running = new Set<object>();

const dimensions = new Int32Array(new ArrayBuffer(maxRank * 8));

/** An OrtValue on our memory. */
function tensor(api: OrtApi, info: Pointer, { type, dims }: Feed | Fetch, data: Values): Pointer {
  dimensions.set(int64s(dims));
  // Small typed arrays live on JavaScript's heap and move; asking for `.buffer` moves them off it for good.
  void data.buffer;
  return api.create('createTensor', info, data, data.byteLength, dimensions, dims.length, typeCodes[type]);
}

/** Names as C wants them: a table of addresses of zero-terminated strings. */
function cStrings(api: OrtApi, names: readonly string[]): { pointers: BigUint64Array; bytes: Uint8Array } {
  const bytes = new TextEncoder().encode(`${names.join('\0')}\0`.padEnd(64, '\0'));
  const pointers = new BigUint64Array(new ArrayBuffer(8 * names.length + 64));
  let address = api.address(bytes);
  names.forEach((name, i) => {
    pointers[i] = address;
    address += BigInt(name.length + 1);
  });
  return { pointers, bytes };
}
