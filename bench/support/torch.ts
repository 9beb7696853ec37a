import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startPeer, type Peer } from './peer';

const bench = fileURLToPath(new URL('..', import.meta.url));
const executable = process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python';

/** The Python that has PyTorch: $HOLDFAST_PYTHON, else what bench/setup.sh made, else the development machine's. */
export const python = (): string | undefined =>
  process.env['HOLDFAST_PYTHON'] ??
  [path.join(bench, '.venv', executable), '/opt/hfvenv/bin/python'].find((file) => existsSync(file));

export const pythonEnv = (threads: number): Record<string, string> => ({
  OMP_NUM_THREADS: String(threads),
  HF_HUB_OFFLINE: '1',
  TRANSFORMERS_VERBOSITY: 'error',
  TOKENIZERS_PARALLELISM: 'false',
});

export const peerFile = (name: string): string => path.join(bench, 'peers', name);

export type Update = 'none' | 'default' | 'fused';

export interface Steps {
  readonly ms: readonly number[];
  readonly loss: number;
}

/** PyTorch in a process of its own, or why there is none. */
export type Torch = { readonly peer: Peer; readonly about: string } | { readonly absent: string };

export async function startTorch(threads: number): Promise<Torch> {
  const command = python();
  if (command === undefined) return { absent: 'no Python found: run bench/setup.sh, or set HOLDFAST_PYTHON' };
  const peer = startPeer(command, [peerFile('torchPeer.py'), String(threads)], pythonEnv(threads));
  try {
    return { peer, ...(await peer.ask<{ about: string }>({ do: 'hello' })) };
  } catch (error) {
    await peer.close();
    return { absent: `${command}: ${(error as Error).message}` };
  }
}
