/** One value per process, whichever of the package's builds (ESM, CommonJS, a second copy) asks first. */
export function shared<T extends object>(name: string, create: () => T): T {
  const key = Symbol.for(`holdfast.${name}`);
  const global = globalThis as unknown as Record<symbol, T | undefined>;
  return (global[key] ??= create());
}
