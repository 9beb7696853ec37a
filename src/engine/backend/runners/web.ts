import type { Runner, RunnerOptions } from '../runner';
import { createSession, type OrtModule } from './node';

/** Runs graphs on onnxruntime-web's WebAssembly: in the browser, and in Node where there is no native library. */
export async function createWebRunner({ threads }: RunnerOptions): Promise<Runner> {
  const imported = (await import('onnxruntime-web')) as unknown as OrtModule & {
    default?: OrtModule;
    env: { wasm: { numThreads?: number }; logLevel?: string };
  };
  imported.env.wasm.numThreads = threads;
  return {
    name: 'web',
    description: `onnxruntime-web (WebAssembly), ${threads} threads`,
    writesIntoOurs: false,
    createSession: (model, inputs, outputs) =>
      createSession(imported.default ?? imported, model, inputs, outputs, { executionProviders: ['wasm'], logSeverityLevel: 4 }),
    dispose: async () => {},
  };
}
