/**
 * Puts the trained model into its package, in float16, and the training's log into the results.
 *
 *   npx tsx pretraining/publish.ts [--folder runs/pretraining] [--package packages/holdfast-small]
 */
import { copyFileSync, statSync } from 'node:fs';
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
// The tokenizer's ids are what was trained with; its file may have been written anew since.
for (const name of ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'])
  copyFileSync(path.join(values.package, name), path.join(trained, name));

await useEngine();
await using model = await loadModel(trained, { pooling: 'mean' });
await model.save(published, { precision: 'float16' });
for (const name of ['config.json', 'holdfast.json', 'model.safetensors'])
  copyFileSync(path.join(published, name), path.join(values.package, name));
copyFileSync(path.join(values.folder, 'log.jsonl'), path.join('pretraining', 'results', 'log.jsonl'));
copyFileSync(path.join(values.folder, 'corpus.json'), path.join('pretraining', 'results', 'corpus.json'));
console.log(
  `${path.join(values.package, 'model.safetensors')}: ${statSync(path.join(values.package, 'model.safetensors')).size} bytes`,
);
