import { HoldfastError } from '../../../core/errors';
import { nodeModule } from '../../../core/nodeModule';
import { shared } from '../../../core/shared';
import { folderOf, importInstalled } from '../../engines/installed';

type Koffi = typeof import('koffi').default;
/** An address. */
export type Pointer = bigint;
/** What C may get as a pointer. */
type Memory = Pointer | ArrayBufferView | null;
type Argument = Memory | number | string;

interface Foreign {
  (...args: Argument[]): unknown;
  async(...args: [...Argument[], (error: Error | null, result: unknown) => void]): void;
}

/**
 * The functions of ONNX Runtime's C API that we call: place in the table `OrtApi` (append only, so stable) and signature. All but the
 * releases and `errorMessage` return a status, which is null when all went well.
 */
const table = {
  errorMessage: [2, 'const char *ortErrorMessage(void *status)'],
  createSession: [8, 'void *ortCreateSession(void *env, void *model, size_t bytes, void *options, void *out)'],
  run: [
    9,
    'void *ortRun(void *session, void *options, void *names, void *values, size_t n, void *outNames, size_t m, void *outValues)',
  ],
  createSessionOptions: [10, 'void *ortCreateSessionOptions(void *out)'],
  disableMemPattern: [17, 'void *ortDisableMemPattern(void *options)'],
  setLogSeverity: [22, 'void *ortSetLogSeverity(void *options, int level)'],
  setOptimisation: [23, 'void *ortSetOptimisation(void *options, int level)'],
  setIntraOpThreads: [24, 'void *ortSetIntraOpNumThreads(void *options, int threads)'],
  createTensor: [49, 'void *ortCreateTensor(void *info, void *data, size_t bytes, void *dims, size_t rank, int type, void *out)'],
  createCpuMemoryInfo: [69, 'void *ortCreateCpuMemoryInfo(int allocator, int memory, void *out)'],
  releaseStatus: [93, 'void ortReleaseStatus(void *status)'],
  releaseSession: [95, 'void ortReleaseSession(void *session)'],
  releaseValue: [96, 'void ortReleaseValue(void *value)'],
  releaseSessionOptions: [100, 'void ortReleaseSessionOptions(void *options)'],
  createEnv: [119, 'void *ortCreateEnvWithGlobalThreadPools(int level, const char *id, void *threading, void *out)'],
  disablePerSessionThreads: [120, 'void *ortDisablePerSessionThreads(void *options)'],
  createThreadingOptions: [121, 'void *ortCreateThreadingOptions(void *out)'],
  releaseThreadingOptions: [122, 'void ortReleaseThreadingOptions(void *options)'],
  addConfigEntry: [130, 'void *ortAddSessionConfigEntry(void *options, const char *key, const char *value)'],
  setGlobalSpinControl: [149, 'void *ortSetGlobalSpinControl(void *threading, int spin)'],
  createAndRegisterAllocator: [144, 'void *ortCreateAndRegisterAllocator(void *env, void *info, void *config)'],
  availableProviders: [125, 'void *ortGetAvailableProviders(void *out, void *count)'],
  releaseProviders: [126, 'void *ortReleaseAvailableProviders(void *providers, int count)'],
  appendCuda: [204, 'void *ortAppendCuda(void *options, void *cuda)'],
  createCudaOptions: [205, 'void *ortCreateCudaOptions(void *out)'],
  releaseCudaOptions: [208, 'void ortReleaseCudaOptions(void *cuda)'],
  appendProvider: [216, 'void *ortAppendProvider(void *options, const char *name, void *keys, void *values, size_t n)'],
  setGlobalIntraOpThreads: [147, 'void *ortSetGlobalIntraOpNumThreads(void *threading, int threads)'],
} as const;

type Name = keyof typeof table;

/** ONNX Runtime's C API through koffi, on the library that onnxruntime-node ships. */
export interface OrtApi {
  readonly version: string;
  /** The execution providers that the library was built with, as it calls them. */
  readonly providers: readonly string[];
  /** Calls a function; a status becomes an Error and is released. */
  call(name: Name, ...args: Argument[]): void;
  /** The same off the JavaScript thread. Its arguments stay referenced meanwhile; what they point to is the caller's care. */
  callAsync(name: Name, ...args: Argument[]): Promise<void>;
  /** Calls a function that writes a pointer through its last argument. */
  create(name: Name, ...args: Argument[]): Pointer;
  address(memory: ArrayBufferView): Pointer;
}

/** One per process, kept for good: koffi unloads a library whose object is collected. */
export async function loadOrtApi(): Promise<OrtApi> {
  const holder = shared('onnxruntime.capi', () => ({ api: undefined as Promise<OrtApi> | undefined }));
  holder.api ??= load();
  holder.api.catch(() => (holder.api = undefined));
  return holder.api;
}

async function load(): Promise<OrtApi> {
  const koffi = (await importInstalled('koffi')) as Koffi;
  growAsyncStack(koffi);
  const library = koffi.load(await findLibrary());
  const base = koffi.decode(library.func('void *OrtGetApiBase()')(), koffi.array('void *', 2)) as [Pointer, Pointer];
  const version = koffi.call(base[1], koffi.proto('const char *ortGetVersionString()')) as string;
  const api = koffi.call(base[0], koffi.proto('void *ortGetApi(uint32_t version)'), 20) as Pointer | null;
  if (!api) throw new Error(`onnxruntime ${version} has no C API of version 20`);
  const entries = koffi.decode(api, koffi.array('void *', 217)) as Pointer[];
  const functions = Object.fromEntries(
    Object.entries(table).map(([name, [index, signature]]) => [
      name,
      koffi.decode(entries[index], koffi.proto(signature)) as Foreign,
    ]),
  ) as Record<Name, Foreign>;

  const check = (status: unknown): void => {
    if (!status) return;
    const message = functions.errorMessage(status as Pointer) as string;
    functions.releaseStatus(status as Pointer);
    throw new Error(message);
  };
  const result = new BigUint64Array(new ArrayBuffer(64));
  const count = new Int32Array(new ArrayBuffer(128));
  check(functions.availableProviders(result, count));
  const providers = koffi.decode(result[0], koffi.array('char *', count[0] as number)) as string[];
  check(functions.releaseProviders(result[0] as Pointer, count[0] as number));
  /** Arguments of calls under way, so that their memory is not collected. */
  const pinned = new Set<readonly Argument[]>();
  return Object.freeze({
    version,
    providers,
    keepsAlive: library,
    call: (name: Name, ...args: Argument[]) => check(functions[name](...args)),
    callAsync: (name: Name, ...args: Argument[]) =>
      new Promise<void>((resolve, reject) => {
        pinned.add(args);
        functions[name].async(...args, (error, status) => {
          pinned.delete(args);
          try {
            if (error) throw error;
            check(status);
            resolve();
          } catch (cause) {
            reject(cause instanceof Error ? cause : new Error(String(cause)));
          }
        });
      }),
    create(name: Name, ...args: Argument[]) {
      check(functions[name](...args, result));
      return result[0] as bigint;
    },
    address: (memory: ArrayBufferView) => koffi.address(memory),
  });
}

/** koffi runs asynchronous calls on 128 KiB by default, on which ONNX Runtime overflows: a crash, not an exception. */
function growAsyncStack(koffi: Koffi): void {
  const enough = 8 * 2 ** 20;
  if ((koffi.config().async_stack_size ?? 0) >= enough) return;
  try {
    koffi.config({ ...koffi.config(), async_stack_size: enough });
  } catch (cause) {
    throw new HoldfastError(
      'engine-unavailable',
      'koffi was configured by another package before, with too small a stack for ONNX Runtime',
      {
        cause,
      },
    );
  }
}

/** The dynamic library inside the installed onnxruntime-node. */
async function findLibrary(): Promise<string> {
  const { readdirSync } = await nodeModule<typeof import('node:fs')>('node:fs');
  const path = await nodeModule<typeof import('node:path')>('node:path');
  const bin = path.join(await folderOf('onnxruntime-node'), 'bin');
  const napi = readdirSync(bin).find((name) => name.startsWith('napi-'));
  const folder = path.join(bin, napi ?? '', process.platform, process.arch);
  const wanted =
    { win32: /^onnxruntime\.dll$/, darwin: /^libonnxruntime\.\d+\.dylib$/ }[process.platform as string] ??
    /^libonnxruntime\.so\.\d+$/;
  const file = readdirSync(folder).find((name) => wanted.test(name));
  if (!file) throw new Error(`no onnxruntime library in ${folder}`);
  return path.join(folder, file);
}
