/**
 * Loads one of Node's own modules where the platform is Node. Not by a literal name: bundlers for the browser would follow it, and find
 * nothing. The caller names the type: `nodeModule<typeof import('node:os')>('node:os')`.
 */
export const nodeModule = async <T>(name: `node:${string}`): Promise<T> =>
  (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as T;

export const isNode: boolean = typeof process !== 'undefined' && !!process.versions?.node;
