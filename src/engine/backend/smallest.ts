import { encodeModel } from './model';
import type { Runner } from './runner';

const port = (name: string) => ({ name, type: 'float32', rank: 0 }) as const;

/** The smallest model there is: y = x + x. */
export function smallestModel(): Uint8Array {
  const node = { type: 'Add', domain: '', label: 'probe', inputs: ['x', 'x'], outputs: ['y'], attributes: {} };
  return encodeModel({ nodes: [node], constants: [], inputs: [port('x')], outputs: [port('y')] });
}

/** Finds out now, and not at the first step, whether the machine has the device that was asked for. */
export async function requireDevice(runner: Runner): Promise<void> {
  if (runner.device === 'cpu') return;
  const session = await runner.createSession(smallestModel(), ['x'], ['y']);
  try {
    const fetch = { type: 'float32', dims: [], data: runner.writesIntoOurs ? new Float32Array(1) : undefined } as const;
    const [y] = await session.run([{ type: 'float32', dims: [], data: Float32Array.of(2) }], [fetch]);
    if (y?.[0] !== 4) throw new Error(`2 + 2 is ${y?.[0]} on ${runner.device}`);
  } finally {
    await session.release();
  }
}
