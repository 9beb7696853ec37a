// Run by crash.test.ts as a process of its own, to be stopped and killed: saves two states of a model and what is kept with it in turns.
import * as tf from '@tensorflow/tfjs';
import { loadTiny } from './tiny';

const folder = process.argv[2]!;
await tf.setBackend('cpu');
const model = await loadTiny('bert');
for (let turn = 1; ; turn = 3 - turn) {
  for (const weight of Object.values(model.weights)) weight.assign(tf.fill(weight.shape, turn));
  const guard = { state: () => ({ fisher: tf.fill([300_000], turn) }), restore: () => {} };
  const memory = { state: () => Array.from({ length: 20_000 }, () => turn), restore: () => {} };
  await model.save(folder, { keep: { guard, memory } });
  if (turn === 2) process.stdout.write('saved\n');
}
