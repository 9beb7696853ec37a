import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aliasing } from './aliasing';
import { bertStep } from './bertStep';
import { families } from './cases';
import { differences, recordAll } from './compare';
import { candidates, missing, start, type Candidate } from './engines';
import { programs } from './programs';
import type { Case } from './recipes';

/** A file of this suite: the one list of cases on one engine, or the reason why not here. */
export async function conformance(key: keyof typeof candidates): Promise<void> {
  const candidate = candidates[key]!;
  const reason = await missing(candidate);
  if (reason === undefined) describe(candidate.name, () => suite(candidate));
  else describe.skip(`${candidate.name} (skipped: ${reason})`, () => test('all cases', () => {}));
}

/** All engines run the first 100, one of them and `npm run conformance` a thousand: compiling them takes its time. */
const programsOf = ({ everyProgram = false }: Candidate): number =>
  everyProgram || process.env['HOLDFAST_CONFORMANCE'] === 'all' ? 1000 : 100;

function suite(candidate: Candidate): void {
  const count = programsOf(candidate);
  let backend = '';
  beforeAll(async () => {
    backend = await start(candidate);
  });
  afterAll(async () => {
    await tf.setBackend('cpu');
    if (backend !== 'cpu') tf.removeBackend(backend);
  });

  /** What differs between cpu and the engine. What is known to is not even tried: where tfjs throws halfway, it leaks tensors. */
  const problemsOf = async (all: readonly Case[], where: string): Promise<string[]> => {
    const place = ({ name }: Case): string => `${where} / ${name}`;
    const cases = all.filter((each) => !candidate.known?.some((known) => known.where.test(place(each))));
    await tf.setBackend('cpu');
    const wanted = await recordAll(cases);
    await tf.setBackend(backend);
    const got = await recordAll(cases);
    return cases.flatMap((each, i) => {
      const relative = candidate.coarse?.test(place(each)) ? 1e-3 : undefined;
      return differences(each.name, wanted[i]!, got[i]!, relative);
    });
  };

  for (const [family, tests] of Object.entries(families)) {
    describe(family, () => {
      for (const [name, cases] of Object.entries(tests)) {
        test(name, async () => expect(await problemsOf(cases, `${family} / ${name}`)).toEqual([]));
      }
    });
  }

  test(`${count} random programs with gradients, in one warm cache`, { timeout: 300_000 }, async () => {
    const problems: string[] = [];
    const all = programs(count, 1);
    // With the second sizes, most graphs are in the cache.
    for (const [some, sizes] of [
      [all, { a: 3, b: 2, c: 4 }],
      [all.slice(0, count / 5), { a: 2, b: 5, c: 3 }],
    ] as const) {
      for (const program of some) problems.push(...(await problemsOf([program.at(sizes)], 'programs')));
    }
    expect(problems).toEqual([]);
  });

  bertStep(() => backend);
  aliasing(() => backend);
}
