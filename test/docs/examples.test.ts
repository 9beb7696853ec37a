import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { docExamples, exampleCount, functionsWithOptions, markdownExamples, type DocExample } from './docExamples';
import { exampleFolder, given, library } from './given';
import { runExample } from './runExample';
import { typeErrors } from './typeErrors';

const examples = [
  ...docExamples(),
  ...['README.md', 'docs/few-labels.md', 'docs/crosslingual.md', 'docs/robustness.md'].flatMap(markdownExamples),
];
const placeOf = ({ file, line }: DocExample): string => `${file}:${line}`;

const before = process.cwd();
let folder: ReturnType<typeof exampleFolder>;
beforeAll(() => {
  folder = exampleFolder();
  process.chdir(folder.path);
});
// An example may have chosen another engine.
beforeEach(() => tf.setBackend('cpu'));
afterAll(() => {
  process.chdir(before);
  folder.remove();
});

describe('the examples in the documentation', () => {
  test('are all found', () => expect(docExamples()).toHaveLength(exampleCount()));

  test('they compile; an error is named with file and line', async () => {
    const { names, dispose } = await given();
    dispose();
    const wrong = { file: 'src/wrong.ts', line: 7, code: 'const head = model.head(\n  1);' };
    expect(typeErrors([...examples, wrong], Object.keys(names))).toEqual([
      "src/wrong.ts:8: Argument of type 'number' is not assignable to parameter of type 'string'.",
    ]);
  });

  test('one that throws is named with file and line', async () => {
    const wrong = { file: 'src/wrong.ts', line: 7, code: "model.head('nowhere');" };
    await expect(runExample(wrong)).rejects.toThrow(/^src\/wrong\.ts:7: the example fails: .*no head 'nowhere'/);
  });

  test.each(examples.map((example) => [placeOf(example), example] as const))('%s runs', async (_, example) => {
    await runExample(example);
  });

  test('every public function with options has one', () => {
    const lacking = [...functionsWithOptions()].filter(([name, documented]) => name in library && !documented);
    expect(lacking.map(([name]) => name)).toEqual([]);
  });
});
