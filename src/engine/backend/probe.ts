import { isNode } from '../../core/nodeModule';
import { folderOf, importInstalled } from '../engines/installed';
import { devicesOf } from './device';

/**
 * Says how ONNX Runtime would run here, without starting anything: threads and sessions are made once per process, with the options of
 * whoever is first.
 *
 * @throws Error with each runner's reason if none can
 */
export async function probeOnnxRuntime(): Promise<string> {
  const reasons: string[] = [];
  for (const [name, probe] of Object.entries(isNode ? { capi, node, web } : { web })) {
    try {
      return await probe();
    } catch (cause) {
      reasons.push(`${name}: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }
  throw new Error(reasons.join('; '));
}

async function capi(): Promise<string> {
  const { loadOrtApi } = await import('./runners/ortApi');
  const { version, providers } = await loadOrtApi();
  return `onnxruntime ${version} through its C API, built for ${devicesOf(providers).join(', ')}`;
}

async function node(): Promise<string> {
  await importInstalled('onnxruntime-node');
  return 'onnxruntime-node';
}

async function web(): Promise<string> {
  if (isNode) await folderOf('onnxruntime-web');
  return 'onnxruntime-web (WebAssembly)';
}
