import { describe } from 'vitest';
import { isHoldfastError } from '../../src/core/errors';
import { useEngine } from '../../src/engine/engines';

const started = await useEngine({ engine: 'onnxruntime' }).catch((error: unknown) => {
  if (isHoldfastError(error) && error.code === 'engine-unavailable') return undefined;
  throw error;
});

/** Tests of the native engine, skipped where it cannot run. It is the engine of the whole file unless a test sets another. */
export function describeNative(name: string, body: () => void): void {
  describe.skipIf(!started)(`${name} on onnxruntime${started ? '' : ' (skipped: it cannot run here)'}`, body);
}
