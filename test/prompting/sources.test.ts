import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Batch } from '../../src/core/types';
import { batches, disposeBatch, type Batches, type Example, type ExampleSource } from '../../src/data';
import { cloze } from '../../src/prompting/cloze';
import { contrastivePairs } from '../../src/prompting/contrastivePairs';
import { entailmentPairs, nliRows } from '../../src/prompting/entailment';
import { pattern } from '../../src/prompting/pattern';
import { scoredPairs, type ScoredPair } from '../../src/prompting/scoredPairs';
import { softBatches, type SoftExample } from '../../src/prompting/softLabels';
import { verbalizer } from '../../src/prompting/verbalizer';
import { numberTokenizer } from '../support/cloze';
import { toy, type Toy } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

type Row = Example & ScoredPair & SoftExample;
const row = (label: string, rest: object) => ({ text: '4 5', label, ...rest }) as Row;
const descriptions = { x: '6', y: '7' };
const task = { pattern: pattern('{text} {mask}'), verbalizer: verbalizer({ x: '6', y: '7' }) };

const soft = { target: 1, pair: '5', soft: { x: 0.5, y: 0.5 } };
const streams: Record<string, [rows: Row[], recipe: (source: ExampleSource<Row>, model: Toy) => Batches<Batch>]> = {
  cloze: [[row('x', {}), row('y', {})], (source) => cloze(source, task)],
  contrastivePairs: [[row('x', {}), row('y', {})], (source) => contrastivePairs(source)],
  entailmentPairs: [[row('x', {})], (source, model) => entailmentPairs(source, { descriptions, head: model.head('entailment') })],
  nliRows: [[row('entailment', { pair: '5' })], (source, model) => batches(nliRows(source), { head: model.head('entailment') })],
  scoredPairs: [[row('x', soft)], (source) => scoredPairs(source)],
  softBatches: [[row('x', soft)], (source, model) => softBatches(source, { head: model.head('a') })],
};

describe.each(Object.entries(streams))('%s', (name, [rows, recipe]) => {
  test('tells a function which epoch of which run it reads for', async () => {
    const model = toy({ heads: { a: ['x', 'y'], entailment: ['entailment', 'not_entailment'] } });
    const asked = { ...model, tokenizer: numberTokenizer(11) };
    const openings: unknown[] = [];
    const data = recipe((opening) => {
      openings.push(opening);
      return rows;
    }, model);
    for await (const batch of data.open({ model: asked, seed: 7, epoch: 3 })) disposeBatch(batch);
    expect(openings).toEqual([{ seed: 7, epoch: 3 }]);
    model.dispose();
  });

  test('names itself where it refuses a generator object', () => {
    const model = toy({ heads: { a: ['x', 'y'], entailment: ['entailment', 'not_entailment'] } });
    const generator = (function* () {
      yield* rows;
    })();
    expect(() => recipe(generator, model)).toThrow(`${name}: the examples are a generator object`);
    model.dispose();
  });
});
