import { createHash } from 'node:crypto';
import type { Tensor } from '@tensorflow/tfjs';
import { sum } from '../../src/core/objective';
import type { Labeled, Term, Updater } from '../../src/core/types';
import { batches } from '../../src/data/batches';
import type { Example, Rehearsal } from '../../src/data/types';
import { accuracyMatrix } from '../../src/ewc/accuracyMatrix';
import { derpp } from '../../src/ewc/derpp';
import { ewc } from '../../src/ewc/ewc';
import { lwf } from '../../src/ewc/lwf';
import { replay } from '../../src/ewc/replay';
import { si } from '../../src/ewc/si';
import { crossEntropy } from '../../src/losses/crossEntropy';
import type { PretrainedModel } from '../../src/model';
import type { Keep } from '../../src/model/capture';
import type { Head } from '../../src/model/types';
import { adamW } from '../../src/training/adamW';
import { clipped } from '../../src/training/clipped';
import { evaluate } from '../../src/training/evaluate';
import { fit } from '../../src/training/fit';

/** Four tasks of two labels over the same words; each is told apart by other words. */
const tasks = ['a', 'b', 'c', 'd'].map((name, t) => ({
  name,
  labels: [`${name}0`, `${name}1`] as const,
  rows: Array.from({ length: 12 }, (_, i): Example => ({
    text: `${9 + (i % 5)} ${1 + 2 * t + (i % 2)} ${9 + ((i * 3) % 5)}`,
    label: `${name}${i % 2}`,
  })),
}));

interface Method {
  readonly objective: Term<Labeled>;
  readonly optimizer: Updater;
  readonly rehearse: Rehearsal;
  /** After a task. */
  learned(model: PretrainedModel, rows: readonly Example[], head: Head): Promise<void>;
  readonly keep: Keep;
}

/** Two ways of not forgetting; together they hold every kind of state. One optimizer goes through all tasks. */
export const methods: Readonly<Record<string, () => Method>> = {
  'ewc, si and replay'() {
    const [guard, path, memory] = [ewc({ lambda: 100 }), si({ lambda: 0.1 }), replay({ perLabel: 3, seed: 1 })];
    const optimizer = path.tracked(clipped(adamW({ learningRate: 3e-3 }), { norm: 1 }));
    return {
      objective: sum(crossEntropy(), guard, path),
      optimizer,
      rehearse: memory.draw(4),
      async learned(model, rows, head) {
        await guard.consolidate(model, batches(rows, { head, batchSize: 6 }));
        path.consolidate(model);
        memory.remember(rows, { head });
      },
      keep: { guard, path, memory, optimizer },
    };
  },
  'lwf and derpp'() {
    const [guard, memory] = [lwf({ lambda: 1 }), derpp({ perLabel: 3, seed: 1 })];
    const optimizer = clipped(adamW({ learningRate: 3e-3 }), { norm: 1 });
    return {
      objective: sum(memory.objective, guard),
      optimizer,
      rehearse: memory.draw(4),
      async learned(model, rows, head) {
        guard.consolidate(model);
        await memory.remember(model, rows, { head });
      },
      keep: { guard, memory, optimizer },
    };
  },
};

/** A method with the table of its results. */
export function sequence(name: string) {
  const [method, matrix] = [methods[name]!(), accuracyMatrix()];
  return {
    keep: { ...method.keep, matrix },
    async learn(model: PretrainedModel, from: number, to: number) {
      for (const { name: task, labels, rows } of tasks.slice(from, to)) {
        const head = model.addHead(task, labels, { seed: 3 });
        const { objective, optimizer, rehearse } = method;
        await fit(model, { objective, data: batches(rows, { head, batchSize: 6, rehearse }), optimizer, epochs: 1, seed: 5 });
        await method.learned(model, rows, head);
        const known = tasks.slice(0, tasks.findIndex((one) => one.name === task) + 1);
        matrix.add(task, await evaluate(model, Object.fromEntries(known.map((one) => [one.name, one.rows]))));
      }
    },
  };
}

/** A fingerprint of each weight and of each part of the state. */
export async function digests(model: PretrainedModel, keep: Keep): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const add = async (name: string, value: unknown): Promise<void> => {
    const hash = createHash('sha256');
    if (isTensor(value)) found[name] = hash.update(new Uint8Array((await value.data()).slice().buffer)).digest('hex');
    else if (typeof value !== 'object' || value === null || Array.isArray(value))
      found[name] = hash.update(JSON.stringify(value)).digest('hex');
    else for (const [key, entry] of Object.entries(value)) await add(`${name}/${key}`, entry);
  };
  for (const [name, weight] of Object.entries(model.weights)) await add(name, weight);
  for (const [name, part] of Object.entries(keep)) await add(name, await ('state' in part ? part.state() : part.toJSON()));
  await add('trainable', model.trainable);
  return found;
}
const isTensor = (value: unknown): value is Tensor => typeof value === 'object' && value !== null && 'dataId' in value;
