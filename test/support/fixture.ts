import { readFileSync } from 'node:fs';

/** Numbers that a script in test/fixtures wrote. */
export const fixture = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../fixtures/${name}`, import.meta.url), 'utf8')) as T;
