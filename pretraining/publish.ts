/**
 * Puts the trained model into its package, in float16, and the training's log into the results.
 *
 *   npx tsx pretraining/publish.ts [--folder runs/pretraining] [--package packages/holdfast-small]
 */
import { copyFileSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { loadModel, useEngine } from '../src';

const { values } = parseArgs({
  options: {
    folder: { type: 'string', default: 'runs/pretraining' },
    package: { type: 'string', default: 'packages/holdfast-small' },
  },
});
const trained = path.join(values.folder, 'model');
const published = path.join(values.folder, 'published');
// The ids of the pieces are what was trained with.
if (!readFileSync(path.join(values.package, 'tokenizer.json')).equals(readFileSync(path.join(trained, 'tokenizer.json'))))
  throw new Error(
    `${trained} was trained with another tokenizer.json than ${values.package} has: give the one of that training.`,
  );

await useEngine();
await using model = await loadModel(trained, { pooling: 'mean' });
await model.save(published, { precision: 'float16' });
const { files } = JSON.parse(readFileSync(path.join(published, 'holdfast.json'), 'utf8')) as { files: string[] };
for (const name of ['holdfast.json', ...files]) copyFileSync(path.join(published, name), path.join(values.package, name));
copyFileSync(path.join(values.folder, 'log.jsonl'), path.join('pretraining', 'results', 'log.jsonl'));
copyFileSync(path.join(values.folder, 'corpus.json'), path.join('pretraining', 'results', 'corpus.json'));
console.log(
  `${path.join(values.package, 'model.safetensors')}: ${statSync(path.join(values.package, 'model.safetensors')).size} bytes`,
);
