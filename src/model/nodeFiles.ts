import { nodeModule } from '../core/nodeModule';

export let fs: typeof import('node:fs/promises');
export let path: typeof import('node:path');
export let crypto: typeof import('node:crypto');

/** Not by imports above: bundlers for the browser would follow them. */
export async function loadNode(): Promise<void> {
  [fs, path, crypto] = await Promise.all([
    nodeModule<typeof fs>('node:fs/promises'),
    nodeModule<typeof path>('node:path'),
    nodeModule<typeof crypto>('node:crypto'),
  ]);
}

export const statOf = (file: string) => fs.stat(file).catch(() => undefined);

export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';
