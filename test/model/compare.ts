import * as tf from '@tensorflow/tfjs';
import { createStep } from '../../src/core/step';
import { gradientsOf } from '../../src/core/gradients';
import type { Batch, Term } from '../../src/core/types';
import { softmaxCrossEntropy } from '../../src/engine/fused';
import type { PretrainedModel } from '../../src/model';
import { adamW } from '../../src/training/adamW';
import { distance, inputsOf, norm, ourName, type Expected } from './tiny';

/** How far from PyTorch: largest absolute differences, and the weights beyond the bars. */
export interface Comparison {
  readonly hidden: number;
  readonly logits: number;
  readonly loss: number;
  readonly compared: string[];
  /** The worst relative difference of a gradient. */
  readonly worstGradient: number;
  readonly badGradients: string[];
  readonly worstChange: number;
  readonly badChanges: string[];
}

const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);

/** The gradient of a key's bias is zero in theory: softmax does not see a constant added to all scores. */
const isKeyBias = (name: string): boolean => /(key|k_lin)\.bias$/.test(name);

export async function compareClassifier(model: PretrainedModel, expected: Expected): Promise<Comparison> {
  const labels = tf.tensor1d(Int32Array.from(expected.get('labels')!.values), 'int32');
  const term: Term = ({ output }) => softmaxCrossEntropy(output.logits, labels).mean();
  const { hidden, logits } = await outputs(model, expected, (output) => output.logits);
  const gradients = await compareGradients(model, expected, term);
  const changes = await compareChanges(model, expected, term);
  labels.dispose();
  return { hidden, logits, ...gradients, ...changes };
}

/** Token scores at the flat places that the fixture names. */
export async function compareMaskedLm(model: PretrainedModel, expected: Expected): Promise<Comparison> {
  const places = tf.tensor1d(Int32Array.from(expected.get('places')!.values), 'int32');
  const targets = tf.tensor1d(Int32Array.from(expected.get('targets')!.values), 'int32');
  const scores = (states: tf.Tensor3D) =>
    model.tokenLogits(tf.gather(tf.reshape(states, [-1, model.hiddenSize]) as tf.Tensor2D, places));
  const { hidden, logits } = await outputs(model, expected, (output) => scores(output.hidden));
  const gradients = await compareGradients(model, expected, ({ output, options }) => {
    const states = tf.gather(tf.reshape(output.hidden, [-1, model.hiddenSize]) as tf.Tensor2D, places);
    return softmaxCrossEntropy(model.tokenLogits(states, options), targets).mean();
  });
  tf.dispose([places, targets]);
  return { hidden, logits, ...gradients, worstChange: 0, badChanges: [] };
}

async function outputs(
  model: PretrainedModel,
  expected: Expected,
  read: (output: ReturnType<PretrainedModel['forward']>) => tf.Tensor2D,
) {
  const inputs = inputsOf(expected);
  const [states, scores] = tf.tidy(() => {
    const output = model.forward(inputs);
    // Padded places mean nothing.
    return [tf.mul(output.hidden, tf.expandDims(inputs.mask, -1)), read(output)];
  });
  const mask = expected.get('mask')!.values;
  const H = model.hiddenSize;
  const wanted = expected.get('hidden')!.values.map((x, i) => (mask[Math.floor(i / H)] === 1 ? x : 0));
  const hidden = largest(await states!.data(), wanted);
  const logits = largest(await scores!.data(), (expected.get('logits') ?? expected.get('tokenLogits'))!.values);
  tf.dispose([states, scores, { ...inputs }]);
  return { hidden, logits };
}

async function compareGradients(model: PretrainedModel, expected: Expected, term: Term) {
  const inputs = inputsOf(expected);
  const { loss: value, grads } = tf.tidy(() => {
    const { loss, grads: all } = gradientsOf(term, model)({ inputs, examples: [] } as Batch);
    return { loss, grads: { ...all } };
  });
  const loss = Math.abs((await value.data())[0]! - expected.get('loss')!.values[0]!);
  const compared: string[] = [];
  const badGradients: string[] = [];
  let worstGradient = 0;
  for (const [key, { values }] of expected) {
    if (!key.startsWith('grad/')) continue;
    const name = ourName(key.slice('grad/'.length));
    const ours = await grads[name]?.data();
    if (!ours) {
      if (norm(values) > 0) badGradients.push(`${name}: none`);
      continue;
    }
    compared.push(name);
    const [off, size] = [distance(ours, values), norm(values)];
    if (off > 1e-6) worstGradient = Math.max(worstGradient, off / size);
    if (off > 1e-6 && off > 1e-4 * size) badGradients.push(`${name}: ${off} of ${size}`);
  }
  tf.dispose([value, grads, { ...inputs }]);
  return { loss, compared, worstGradient, badGradients };
}

async function compareChanges(model: PretrainedModel, expected: Expected, term: Term) {
  const before = Object.fromEntries(Object.entries(model.weights).map(([name, weight]) => [name, weight.clone()]));
  const inputs = inputsOf(expected);
  const optimizer = adamW({ learningRate: 1e-3 });
  const step = createStep(model, { objective: term, optimizer });
  for (let i = 0; i < 20; i++) tf.dispose(step({ inputs, examples: [] }));
  const badChanges: string[] = [];
  let worstChange = 0;
  for (const [key, { values }] of expected) {
    if (!key.startsWith('change/')) continue;
    const name = ourName(key.slice('change/'.length));
    if (isKeyBias(name)) continue;
    const moved = tf.tidy(() => tf.sub(model.weights[name]!, before[name]!));
    const [off, size] = [distance(await moved.data(), values), norm(values)];
    moved.dispose();
    worstChange = Math.max(worstChange, off / size);
    if (!(off <= 1e-2 * size)) badChanges.push(`${name}: ${off} of ${size}`);
  }
  optimizer.dispose();
  tf.dispose([before, { ...inputs }]);
  return { worstChange, badChanges };
}
