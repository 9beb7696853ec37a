import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { describe } from 'vitest';

const root = fileURLToPath(new URL('../../../shared/', import.meta.url));

/** Absolute path of something that the repository does not carry: real weights, real data. */
export const sharedPath = (...parts: string[]): string => path.join(root, ...parts);

/** A group of tests that needs `../shared/…`: skipped by name, with the reason, on a machine without it. */
export const describeShared = (needs: string | readonly string[], name: string, tests: () => void): void => {
  const missing = [needs].flat().filter((part) => !existsSync(sharedPath(part)));
  if (missing.length === 0) describe(name, tests);
  else describe.skip(`${name} (skipped: needs ../shared/${missing.join(', ../shared/')})`, tests);
};
