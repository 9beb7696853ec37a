import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { createStep } from '../../src/core/step';
import type { Labeled, Model, Tensors } from '../../src/core/types';
import { batches } from '../../src/data/batches';
import type { Example } from '../../src/data/types';
import { squaredGradients } from '../../src/ewc/perExample';
import { crossEntropy, crossEntropyOf } from '../../src/losses/crossEntropy';
import { loadModel, type PretrainedModel } from '../../src/model';
import type { AdaptedModel } from '../../src/prompting/adapted';
import { adamW } from '../../src/training/adamW';
import { fit } from '../../src/training/fit';
import { loadTiny } from '../model/tiny';
import { expectClose, expectSameBits } from './close';
import { numberTokenizer } from './cloze';
import { fixture } from './fixture';
import { toyBatch } from './toy';

interface Numbers {
  readonly weights: Record<string, number[]>;
  readonly logits: number[];
  readonly loss: number;
  readonly gradients: Record<string, number[]>;
}

export const torch = fixture<{
  readonly texts: number[][];
  readonly labels: number[];
  readonly lora: Numbers & { readonly rank: number; readonly alpha: number };
  readonly softPrompt: Numbers & { readonly first: number[]; readonly word: number[] };
  readonly prefixTuning: Numbers;
}>('adapters.json');

export const tinyBert = (): Promise<PretrainedModel> => loadTiny('bert', { tokenizer: numberTokenizer(60) });

export const torchBatch = (byRows = false): Labeled => toyBatch(torch.texts, torch.labels, { byRows });

export function put(model: Model, values: Readonly<Record<string, readonly number[]>>): void {
  for (const [name, own] of Object.entries(values))
    tf.tidy(() => model.weights[name]!.assign(tf.tensor([...own], model.weights[name]!.shape)));
}

/** Logits, loss and every gradient that PyTorch has, and no others. */
export async function expectTorch(model: AdaptedModel, want: Numbers): Promise<void> {
  put(model, want.weights);
  const batch = torchBatch();
  const { loss, grads } = gradientsOf(crossEntropy(), model)(batch);
  await expectClose(loss, [want.loss], { absolute: 1e-5 });
  await expectClose(model.forward(batch.inputs).logits, want.logits, { absolute: 1e-5, relative: 1e-5 });
  expect(Object.keys(grads).sort()).toEqual(Object.keys(want.gradients).sort());
  for (const name in grads) await expectClose(grads[name]!, want.gradients[name]!, { absolute: 1e-5, relative: 1e-4 });
}

/** The squared gradients of a batch are those of its examples, one at a time. */
export async function expectPerExample(model: AdaptedModel): Promise<void> {
  const squares = squaredGradients(({ logits }, { labels }) => tf.sum(crossEntropyOf(logits, labels)), model, torchBatch());
  const each = torch.texts.map((text, i) => gradientsOf(crossEntropy(), model)(toyBatch([text], [torch.labels[i]!])).grads);
  expect(Object.keys(squares).sort()).toEqual([...model.trainable].sort());
  for (const name of model.trainable) {
    const want = tf.addN(each.map((grads) => tf.square(grads[name]!)));
    await expectClose(squares[name]!, want, { absolute: 1e-5, relative: 1e-3 });
  }
}

/** A state goes into another adapter of the same kind and means the same there; half of one and one of another shape change nothing. */
export async function expectState(one: AdaptedModel, other: AdaptedModel, name: string): Promise<void> {
  const { inputs } = torchBatch();
  const logits = () => other.forward(inputs).logits;
  const before = logits();
  const { [name]: taken, ...half } = one.state();
  expect(() => other.restore(half)).toThrow(`'${name}' is nothing in the state and [${taken!.shape.join(', ')}] here`);
  expect(() => other.restore({ ...half, [name]: tf.zeros([1]) })).toThrow(`'${name}' is [1] in the state`);
  expect(() => other.restore({ ...one.state(), more: tf.zeros([1]) })).toThrow("'more' is [1] in the state and nothing here");
  await expectSameBits(logits(), before);
  other.restore(one.state());
  await expectSameBits(logits(), one.forward(inputs).logits);
}

/** One step of AdamW; the batch is disposed. */
export async function oneStep(model: Model, batch: Labeled): Promise<void> {
  const optimizer = adamW({ learningRate: 0.1, weightDecay: 0 });
  const { loss, reports } = createStep(model, { objective: crossEntropy(), optimizer })(batch);
  await loss.data();
  tf.dispose([loss, reports, { ...batch.inputs }, batch.labels]);
  optimizer.dispose();
}

/** A digest of each weight's bits: comparing millions of numbers takes a test runner minutes. */
async function bitsOf(weights: Tensors, names: readonly string[]): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const name of names)
    digests[name] = createHash('sha1')
      .update(await weights[name]!.data())
      .digest('hex');
  return digests;
}

/** Fifteen texts of three intents, on the default model: ten steps take a third of the loss, and nothing of the model has changed. */
export async function expectToLearn(
  folder: string,
  adapt: (model: PretrainedModel) => AdaptedModel,
  learningRate: number,
  then: (adapter: AdaptedModel, model: PretrainedModel, texts: readonly Example[]) => Promise<void> = async () => {},
): Promise<void> {
  const lines = readFileSync('examples/data/support/train.jsonl', 'utf8').trim().split('\n');
  const billing = lines
    .map((line) => JSON.parse(line) as Example & { label: string; task: string })
    .filter(({ task }) => task === 'billing');
  const labels = [...new Set(billing.map(({ label }) => label))].slice(0, 3);
  const train = labels.flatMap((label) => billing.filter((row) => row.label === label).slice(0, 5));
  await using model = await loadModel(folder, { pooling: 'mean' });
  const frozen = Object.keys(model.weights);
  const before = await bitsOf(model.weights, frozen);
  const head = model.addHead('billing', labels, { seed: 1 });
  const adapter = adapt(model);
  const optimizer = adamW({ learningRate });
  try {
    const options = {
      objective: crossEntropy(),
      data: batches(train, { head, batchSize: 15, maxLength: 24, padToMultipleOf: 24 }),
      optimizer,
      seed: 1,
    };
    const own = adapter.trainable.filter((name) => !model.weights[name]);
    const fresh = await bitsOf(adapter.weights, own);
    const start = await fit(adapter, { ...options, epochs: 1 });
    const end = await fit(adapter, { ...options, steps: 9 });
    expect(start.loss).toBeGreaterThan(0.8);
    expect(end.loss, `from ${start.loss}`).toBeLessThan((2 / 3) * start.loss);
    expect(await bitsOf(model.weights, frozen)).toEqual(before);
    const learned = await bitsOf(adapter.weights, own);
    expect(own.filter((name) => learned[name] === fresh[name])).toEqual([]);
    await then(adapter, model, train);
  } finally {
    optimizer.dispose();
    adapter.dispose();
  }
}
