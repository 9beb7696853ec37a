import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { sum } from '../../src/core/objective';
import type { Labeled, Model, Tensors, Term, Updater } from '../../src/core/types';
import { createStep } from '../../src/core/step';
import { ewc } from '../../src/ewc/ewc';
import { l2sp } from '../../src/ewc/l2sp';
import { lwf } from '../../src/ewc/lwf';
import { mas } from '../../src/ewc/mas';
import { normalised } from '../../src/ewc/normalised';
import { onlineEwc } from '../../src/ewc/onlineEwc';
import { rwalk } from '../../src/ewc/rwalk';
import { si, type Si } from '../../src/ewc/si';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { createModel, type PretrainedModel } from '../../src/model';
import { sgd } from '../../src/training/sgd';
import { valueOf } from '../support/close';
import { scoped } from '../support/leaks';
import { toyBatch, toyTokenizer } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Penalty extends Term {
  consolidate(model: Model, data: readonly Labeled[]): unknown;
  state(): Tensors;
  dispose(): void;
}

const config = {
  ...{ model_type: 'bert', vocab_size: 11, hidden_size: 4, num_hidden_layers: 1, num_attention_heads: 1 },
  ...{ intermediate_size: 6, max_position_embeddings: 8, type_vocab_size: 1, initializer_range: 0.3 },
};

const penalties: readonly (readonly [name: string, make: () => Penalty])[] = [
  ['ewc', () => ewc({ lambda: 1 })],
  ['ewc, normalised', () => ewc({ lambda: 1, fisher: normalised() })],
  ['onlineEwc', () => onlineEwc({ lambda: 1, gamma: 0.9 })],
  ['l2sp', () => l2sp({ lambda: 0.1 })],
  ['mas', () => mas({ lambda: 1 })],
  ['si', () => si({ lambda: 1 })],
  ['rwalk', () => rwalk({ lambda: 0.1, deltaT: 1 })],
];

/** lwf keeps the old heads too: it asks them. What it keeps of heads may grow with them. */
const ofHeads = (name: string): boolean => name.includes('classifier.') || name.startsWith('columns.');

/** Bytes of what a penalty keeps beside heads, and of everything that exists but the model and that. */
function bytes(penalty: Penalty, model: PretrainedModel): readonly [state: number, all: number] {
  const of = (tensors: Tensors) => Object.values(tensors).reduce((total, { size }) => total + 4 * size, 0);
  const state = Object.entries(penalty.state());
  const part = (heads: boolean) => of(Object.fromEntries(state.filter(([name]) => ofHeads(name) === heads)));
  return [part(false), tf.memory().numBytes - of(model.weights) - part(true)];
}

const oneTask = (t: number): Labeled => toyBatch([[1 + (t % 9), 2], [3 + (t % 7)]], [2 * t, 2 * t + 1]);

describe('a stream of fifty tasks, each with a head of its own', () => {
  test.each([...penalties, ['lwf', () => lwf() as unknown as Penalty] as const])(
    '%s takes the memory of one task',
    async (name, make) => {
      await using model = createModel(config, { tokenizer: toyTokenizer(11), seed: 1 });
      await scoped(async () => {
        const penalty = make();
        const plain = sgd({ learningRate: 0.01 });
        const optimizer: Updater = 'tracked' in penalty ? (penalty as unknown as Si).tracked(plain) : plain;
        const seen: (readonly [state: number, all: number])[] = [];
        for (let t = 0; t < 50; t++) {
          const added = tf.memory().numTensors;
          model.addHead(`task ${t}`, ['a', 'b'], { seed: t });
          expect(tf.memory().numTensors).toBe(added + 2);
          const batch = oneTask(t);
          const step = createStep(model, { objective: sum(crossEntropy(), penalty), optimizer });
          const { loss, reports } = step(batch);
          expect(Number.isFinite(await valueOf(loss))).toBe(true);
          tf.dispose([loss, { ...reports }]);
          await penalty.consolidate(model, [batch]);
          tf.dispose([{ ...batch.inputs }, batch.labels]);
          seen.push(bytes(penalty, model));
        }
        expect(seen[0]![0]).toBeGreaterThan(0);
        for (const each of seen.slice(1)) expect(each).toEqual(seen[1]);
        expect(seen[1]![0]).toBe(seen[0]![0]);
        expect(Object.keys(penalty.state()).some(ofHeads)).toBe(name === 'lwf');
        penalty.dispose();
        optimizer.dispose();
      })();
    },
  );
});
