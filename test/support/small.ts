import { existsSync } from 'node:fs';
import path from 'node:path';
import { folder } from 'holdfast-small';
import { describe } from 'vitest';

/** A group of tests that needs the default model: skipped by name, with the reason, where its package has no weights. */
export const describeSmall = (name: string, tests: (folder: string) => void): void => {
  if (existsSync(path.join(folder, 'model.safetensors'))) describe(name, () => tests(folder));
  else describe.skip(`${name} (skipped: packages/holdfast-small has no model.safetensors)`, () => tests(folder));
};
