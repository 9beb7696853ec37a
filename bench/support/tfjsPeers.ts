import { createRequire } from 'node:module';
import { bundled } from './bundle';
import { startPeer, type Peer } from './peer';

const require = createRequire(import.meta.url);

/** tfjs's own engines that a step may be compared with, and the package that each needs. */
const engines = { wasm: '@tensorflow/tfjs-backend-wasm', tensorflow: '@tensorflow/tfjs-node' } as const;

export type TfjsPeer = { readonly name: string } & ({ readonly peer: Peer } | { readonly absent: string });

/** Our network and our step on tfjs's engines, one process each; those whose package is not installed, or that fail, say so. */
export function startTfjsPeers(shape: { batch: number; tokens: number }, threads: number): Promise<TfjsPeer[]> {
  return Promise.all(
    Object.entries(engines).map(async ([engine, needed]): Promise<TfjsPeer> => {
      const name = `tfjs ${engine === 'wasm' ? 'wasm' : 'node'}`;
      try {
        require.resolve(`${needed}/package.json`);
      } catch {
        return { name, absent: `${needed} is not installed` };
      }
      const peer = startPeer(process.execPath, [await bundled('holdfast'), engine, String(threads)]);
      try {
        await peer.ask({ do: 'hello' });
        await peer.ask({ do: 'create', ...shape });
        return { name, peer };
      } catch (error) {
        await peer.close();
        return { name, absent: (error as Error).message };
      }
    }),
  );
}
