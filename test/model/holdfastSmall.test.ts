import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { folder } from 'holdfast-small';
import { beforeAll, describe, expect, test } from 'vitest';
import { encoded, padded } from '../../src/data/encoded';
import { useEngine } from '../../src/engine/engines';
import { loadModel, loadTokenizer, type PretrainedModel } from '../../src/model';
import { openFolder } from '../../src/model/folder';
import { describeSmall } from '../support/small';

const modelFiles = [
  'config.json',
  'holdfast.json',
  'model.safetensors',
  'special_tokens_map.json',
  'tokenizer.json',
  'tokenizer_config.json',
];
const sentences = [
  'Where is my <mask>?',
  'Ich habe mein <mask> vergessen.',
  '¿Dónde está mi <mask>?',
  'Où est mon <mask> ?',
  '我的<mask>在哪里？',
];

/** The most megabytes that the weights, and the packed package, may have. */
const mostMegabytes = 12;

interface Pack {
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

/** What npm would publish. */
async function contents(): Promise<Pack> {
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json'], {
    cwd: folder,
    shell: process.platform === 'win32',
  });
  return (JSON.parse(stdout) as [Pack])[0];
}

/** Vocabulary scores at the mask of each sentence. */
async function maskScores(model: PretrainedModel): Promise<number[][]> {
  const tokens = await model.tokenizer.encode(sentences, { maxLength: model.maxLength });
  const places = tokens.map(({ ids }) => ids.indexOf(model.tokenizer.maskId!));
  const scores = tf.tidy(() => {
    const { hidden } = model.forward(encoded(padded(tokens, { padId: model.tokenizer.padId, maxLength: model.maxLength })));
    const length = hidden.shape[1];
    const rows = tf.tensor1d(
      places.map((place, b) => b * length + place),
      'int32',
    );
    return model.tokenLogits(tf.gather(tf.reshape<tf.Rank.R2>(hidden, [-1, model.hiddenSize]), rows));
  });
  const values = await scores.array();
  scores.dispose();
  return values;
}

describe('the package holdfast-small', () => {
  test('names its folder, in ES modules and in CommonJS', () => {
    expect(path.isAbsolute(folder)).toBe(true);
    expect(path.relative(folder, path.join(import.meta.dirname, '../../packages/holdfast-small'))).toBe('');
    expect(createRequire(import.meta.url)('holdfast-small')).toEqual({ folder });
  });

  test('publishes its model, entry points and papers, and nothing else', async () => {
    const known = [...modelFiles, 'LICENSE', 'README.md', 'index.cjs', 'index.d.cts', 'index.d.ts', 'index.js', 'package.json'];
    const files = (await contents()).files.map((file) => file.path);
    expect(files.filter((file) => !known.includes(file))).toEqual([]);
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'index.cjs', 'index.js', 'package.json', 'tokenizer.json']));
  });
});

describeSmall('the model holdfast-small', () => {
  beforeAll(() => useEngine({ engine: 'onnxruntime' }));

  test(`is complete, and small: at most ${mostMegabytes} MB of weights, and as much to download`, async () => {
    const { files, size } = await contents();
    expect(files.map((file) => file.path)).toEqual(expect.arrayContaining(modelFiles));
    expect(size).toBeLessThanOrEqual(mostMegabytes * 1e6);
    expect((await stat(path.join(folder, 'model.safetensors'))).size).toBeLessThanOrEqual(mostMegabytes * 1e6);
  });

  test('loads without options: mean pooling, a masked-language head, no heads', async () => {
    await using model = await loadModel(folder);
    expect(model).toMatchObject({ pooling: 'mean', hasMaskedLmHead: true, heads: [], classCount: 0 });
    expect(model.tokenizer.vocabularySize).toBe(model.config.vocabularySize);
    expect(model.maxLength).toBeLessThanOrEqual(128);
  });

  test('predicts masked tokens, the same ones with both libraries', async () => {
    await using model = await loadModel(folder);
    const scores = await maskScores(model);
    expect(scores.map((row) => row.length)).toEqual(sentences.map(() => model.tokenizer.vocabularySize));
    expect(scores.flat().every(Number.isFinite)).toBe(true);
    const tokenizer = await loadTokenizer(await openFolder(folder), { library: '@xenova/transformers' });
    await using web = await loadModel(folder, { tokenizer });
    expect(await maskScores(web)).toEqual(scores);
    tokenizer.dispose();
  });

  test('is the same after saving in its own precision and loading', async () => {
    const place = await mkdtemp(path.join(os.tmpdir(), 'holdfast-small-'));
    try {
      await using model = await loadModel(folder);
      await model.save(path.join(place, 'copy'), { precision: 'float16' });
      await using copy = await loadModel(path.join(place, 'copy'));
      expect(await maskScores(copy)).toEqual(await maskScores(model));
    } finally {
      await rm(place, { recursive: true, force: true });
    }
  });
});
