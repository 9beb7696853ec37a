import type { Runner, RunnerOptions } from '../runner';
import { createSession, type OrtModule } from './node';

/** Runs graphs on onnxruntime-web's WebAssembly: in the browser, and in Node where there is no native library. */
export async function createWebRunner({ threads, device }: RunnerOptions): Promise<Runner> {
  if (device !== 'cpu')
    throw new Error(`onnxruntime-web runs on the CPU here, not on ${device}: use the engine 'webgpu' in browsers`);
  const imported = await load();
  imported.env.wasm.numThreads = threads;
  return {
    name: 'web',
    device,
    description: `onnxruntime-web (WebAssembly), ${threads} threads`,
    writesIntoOurs: false,
    createSession: (model, inputs, outputs) =>
      createSession(imported.default ?? imported, model, inputs, outputs, { executionProviders: ['wasm'], logSeverityLevel: 4 }),
    dispose: async () => {},
  };
}

interface WebModule extends OrtModule {
  readonly default?: OrtModule;
  readonly env: { readonly wasm: { numThreads?: number } };
}

async function load(): Promise<WebModule> {
  // Inside `try`: bundlers then take the package for an optional one.
  try {
    return await import('onnxruntime-web');
  } catch (cause) {
    throw new Error('onnxruntime-web does not load here', { cause });
  }
}
