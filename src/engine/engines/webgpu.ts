import { isNode } from '../../core/nodeModule';
import { activate, type Engine, loadBackend, type StartOptions } from './engine';
import { folderOf, importInstalled } from './installed';
import { completeKernels } from './webgpuKernels';
import { hasGpuDriver } from './vulkan';

const name = '@tensorflow/tfjs-backend-webgpu';

interface Adapter {
  readonly info?: { readonly vendor?: string; readonly architecture?: string; readonly description?: string };
  readonly isFallbackAdapter?: boolean;
}

interface Gpu {
  requestAdapter(): Promise<Adapter | null>;
}

/** The browser's GPU, or in Node the one that Dawn (the npm package `webgpu`) reaches through Vulkan, Metal or Direct3D. */
export const webgpu: Engine = {
  name: 'webgpu',
  hint: () => (isNode ? `npm install ${name} webgpu, and a GPU driver` : `npm install ${name}, in a browser with WebGPU`),
  async probe() {
    if (isNode) await folderOf(name);
    return (await findAdapter()).what;
  },
  async start({ engine }: StartOptions) {
    if (isNode) await folderOf(name);
    const { gpu, adapter, what } = await findAdapter();
    // A processor that plays a GPU is right for tests, and slower than any engine that knows it is one.
    if (engine === undefined && isSoftware(adapter)) throw new Error(`${what}: a software driver, used only when asked for`);
    await withNavigator(gpu, async () => {
      await loadBackend('webgpu', load);
      await activate('webgpu');
      completeKernels();
    });
    return what;
  },
};

async function findAdapter(): Promise<{ readonly gpu: Gpu; readonly adapter: Adapter; readonly what: string }> {
  const own = (globalThis as { navigator?: { gpu?: Gpu } }).navigator?.gpu;
  if (!own && !isNode) throw new Error('this browser has no navigator.gpu');
  if (!own && !(await hasGpuDriver())) throw new Error('this machine has no Vulkan driver');
  const gpu = own ?? (await dawn());
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error(own ? 'the browser found no GPU' : 'Dawn found no GPU');
  const { vendor = '', architecture = '', description = '' } = adapter.info ?? {};
  const device = [vendor, architecture, description].filter((text) => text !== '').join(' ') || 'an unnamed GPU';
  return { gpu, adapter, what: `WebGPU${own ? '' : ' through Dawn'} on ${device}` };
}

const isSoftware = ({ isFallbackAdapter = false, info }: Adapter): boolean =>
  isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${info?.architecture} ${info?.description}`);

let made: Gpu | undefined;

/** One per process: Dawn keeps its own state behind it. */
async function dawn(): Promise<Gpu> {
  if (made) return made;
  const { create, globals } = (await importInstalled('webgpu')) as { create(options: string[]): Gpu; globals: object };
  // The names that the specification has in every browser, such as GPUBufferUsage; the backend reads them at each operation.
  for (const [key, value] of Object.entries(globals)) {
    if (!(key in globalThis)) Object.defineProperty(globalThis, key, { value, configurable: true, writable: true });
  }
  return (made = create([]));
}

/** The backend looks for `navigator.gpu` when it is loaded and started. Only then: with a navigator in Node other packages take it for a browser. */
async function withNavigator(gpu: Gpu, body: () => Promise<void>): Promise<void> {
  const scope = globalThis as { navigator?: { gpu?: Gpu } };
  if (scope.navigator?.gpu) return body();
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', { value: { gpu, userAgent: 'Node.js' }, configurable: true });
  try {
    await body();
  } finally {
    if (before) Object.defineProperty(globalThis, 'navigator', before);
    else delete scope.navigator;
  }
}

async function load(): Promise<void> {
  // Inside `try`: bundlers then take the package for an optional one.
  try {
    await import('@tensorflow/tfjs-backend-webgpu');
  } catch (cause) {
    throw new Error(`${name} does not load here`, { cause });
  }
}
