/**
 * The student before its first step: fresh weights, but each piece's embedding starts where a teacher puts the piece.
 *
 *   npx tsx pretraining/initialise.ts [--folder runs/pretraining] [--shared ../shared] [--package packages/holdfast-small]
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { createModel, loadModel, loadTokenizer, useEngine } from '../src';
import { randomOf } from '../src/data/random';
import { openFolder } from '../src/model/folder';
import { vectorsOf } from './evaluation/vectors';
import { principalCoordinates } from './support/principal';
import { WIDTH } from './training/teachers';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: 'runs/pretraining' },
    shared: { type: 'string', default: '../shared' },
    package: { type: 'string', default: 'packages/holdfast-small' },
  },
});
/** Root mean square of the embedding table. */
const SCALE = 0.05;

await useEngine();
const tokenizer = await loadTokenizer(await openFolder(values.package));
const file = (name: string): Uint8Array => readFileSync(path.join(values.package, name));
const { model: described } = JSON.parse(Buffer.from(file('tokenizer.json')).toString()) as {
  model: { vocab: Record<string, number> };
};
const config = {
  architectures: ['BertForMaskedLM'],
  model_type: 'bert',
  vocab_size: tokenizer.vocabularySize,
  hidden_size: 192,
  num_hidden_layers: 5,
  num_attention_heads: 6,
  intermediate_size: 768,
  max_position_embeddings: 128,
  type_vocab_size: 2,
  hidden_act: 'gelu',
  hidden_dropout_prob: 0.1,
  attention_probs_dropout_prob: 0.1,
  initializer_range: 0.02,
  layer_norm_eps: 1e-12,
  pad_token_id: 1,
  bos_token_id: 0,
  eos_token_id: 2,
};
await using student = createModel(config, {
  tokenizer,
  seed: 1,
  maskedLm: true,
  carried: new Map(['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'].map((name) => [name, file(name)])),
});
const pieces = Object.entries(described.vocab).filter(([piece]) => !/^<.+>$/.test(piece) && piece !== '▁');
{
  await using teacher = await loadModel(path.join(values.shared, 'models', 'e5-multilingual'), { pooling: 'mean' });
  const vectors = await vectorsOf(
    teacher,
    pieces.map(([piece]) => `query: ${piece.replaceAll('▁', '')}`),
  );
  const flat = new Float32Array(pieces.length * WIDTH);
  vectors.forEach((vector, i) => flat.set(vector, i * WIDTH));
  const { hiddenSize } = student;
  const random = randomOf('initialise');
  const coordinates = principalCoordinates(flat, WIDTH, hiddenSize, random);
  const scale = SCALE / Math.sqrt(coordinates.reduce((sum, value) => sum + value * value, 0) / coordinates.length);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const table = Float32Array.from({ length: config.vocab_size * hiddenSize }, () => SCALE * normal());
  pieces.forEach(([, id], i) => {
    for (let c = 0; c < hiddenSize; c++) table[id * hiddenSize + c] = coordinates[i * hiddenSize + c]! * scale;
  });
  tf.tidy(() => student.weights[student.embeddingTable]!.assign(tf.tensor2d(table, [config.vocab_size, hiddenSize])));
}
await student.save(path.join(values.folder, 'init'), { precision: 'float32' });
const size = Object.values(student.weights).reduce((sum, weight) => sum + weight.size, 0);
console.log(`${pieces.length} of ${config.vocab_size} embeddings from the teacher, ${size} parameters`);
