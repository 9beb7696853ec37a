import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isHoldfastError, type HoldfastError } from '../../src/core/errors';
import { loadModel, memoryFiles, type Files, type LoadOptions, type PretrainedModel } from '../../src/model';
import { openFolder } from '../../src/model/folder';
import { readBytes, readTensorIndex, toFloat32 } from '../../src/model/safetensors';
import { safetensorsParts, type Precision } from '../../src/model/writeSafetensors';
import { idTokenizer, loadTiny, tinyPath } from './tiny';

let root = '';
beforeAll(async () => {
  await tf.setBackend('cpu');
  root = await mkdtemp(path.join(tmpdir(), 'holdfast-load-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

interface Change {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly tensors?: (tensors: Map<string, Tensor>) => void;
  readonly precision?: Precision;
  readonly files?: Readonly<Record<string, unknown>>;
}

/** A fixture with something changed. */
async function changed(name: string, { config, tensors, precision = 'float32', files = {} }: Change): Promise<Files> {
  const from = await openFolder(tinyPath(name));
  const raw = JSON.parse(new TextDecoder().decode(await from.read('config.json'))) as Record<string, unknown>;
  const all = new Map<string, Tensor>();
  for (const [key, entry] of await readTensorIndex(from))
    all.set(key, { shape: entry.shape, values: toFloat32(await readBytes(from, entry), entry.dtype) });
  tensors?.(all);
  const to = memoryFiles(new Map(), 'the folder');
  const json = (value: unknown) => [new TextEncoder().encode(JSON.stringify(value))];
  await to.write('config.json', json({ ...raw, ...config }));
  await to.write(
    'model.safetensors',
    safetensorsParts(
      [...all].map(([key, { shape, values }]) => ({ name: key, shape, values: () => Promise.resolve(values) })),
      precision,
    ),
  );
  for (const [file, value] of Object.entries(files)) await to.write(file, json(value));
  return to;
}

const load = (files: Files, options: LoadOptions = {}): Promise<PretrainedModel> =>
  loadModel(files, { tokenizer: idTokenizer(60), ...options });

async function refusal(opening: Promise<PretrainedModel>): Promise<HoldfastError> {
  const before = tf.memory().numTensors;
  const error: unknown = await opening.then(
    (model) => model.dispose(),
    (cause: unknown) => cause,
  );
  if (!isHoldfastError(error)) throw error ?? new Error('it was accepted');
  expect(tf.memory().numTensors).toBe(before);
  return error;
}

const logitsOf = async (model: PretrainedModel): Promise<Float32Array> => {
  const logits = tf.tidy(() => model.forward({ ids: tf.tensor2d([[5, 9, 14]], [1, 3], 'int32'), mask: tf.ones([1, 3]) }).logits);
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
};

describe('names', () => {
  const rename = (by: (name: string) => string) => (tensors: Map<string, Tensor>) => {
    for (const [name, tensor] of [...tensors]) {
      tensors.delete(name);
      tensors.set(by(name), tensor);
    }
  };

  test('an encoder without prefix keeps its names', async () => {
    const files = await changed('bert', {
      config: { architectures: ['BertModel'] },
      tensors: (tensors) => {
        rename((name) => name.replace('bert.', ''))(tensors);
        tensors.delete('classifier.weight');
        tensors.delete('classifier.bias');
      },
    });
    await using model = await load(files);
    expect(model.embeddingTable).toBe('embeddings.word_embeddings.weight');
    expect(model.pooling).toBe('mean');
    expect(model.heads).toEqual([]);
    const saved = memoryFiles();
    await model.save(saved);
    expect((await readTensorIndex(saved)).has('embeddings.word_embeddings.weight')).toBe(true);
  });

  test('gamma and beta are the old names of a LayerNorm’s weights', async () => {
    const files = await changed('bert', {
      tensors: rename((name) =>
        name.replace(/LayerNorm\.weight$/, 'LayerNorm.gamma').replace(/LayerNorm\.bias$/, 'LayerNorm.beta'),
      ),
    });
    await using model = await load(files);
    await using plain = await loadTiny('bert');
    expect(await logitsOf(model)).toEqual(await logitsOf(plain));
  });

  test('buffers, the next-sentence head and copies of the tied decoder are no weights', async () => {
    const files = await changed('bert-mlm', {
      tensors: (tensors) => {
        tensors.set('bert.embeddings.position_ids', { shape: [1, 2], values: Float32Array.of(0, 1) });
        tensors.set('cls.seq_relationship.weight', { shape: [2, 16], values: new Float32Array(32) });
        tensors.set('cls.seq_relationship.bias', { shape: [2], values: new Float32Array(2) });
        tensors.set('cls.predictions.decoder.weight', tensors.get('bert.embeddings.word_embeddings.weight')!);
        tensors.set('cls.predictions.decoder.bias', tensors.get('cls.predictions.bias')!);
      },
    });
    await using model = await load(files);
    await using plain = await loadTiny('bert-mlm');
    expect(Object.keys(model.weights)).toEqual(Object.keys(plain.weights));
  });

  test('a decoder of its own is refused unless it equals the table', async () => {
    const copy = (by: number): Change => ({
      config: { tie_word_embeddings: false },
      tensors: (tensors) => {
        const table = tensors.get('bert.embeddings.word_embeddings.weight')!;
        tensors.set('cls.predictions.decoder.weight', { ...table, values: table.values.map((x) => x + by) });
      },
    });
    await using model = await load(await changed('bert-mlm', copy(0)));
    expect(model.hasMaskedLmHead).toBe(true);
    const error = await refusal(load(await changed('bert-mlm', copy(1))));
    expect(error.message).toContain(
      "tensor 'cls.predictions.decoder.weight' differs from 'bert.embeddings.word_embeddings.weight'",
    );
  });
});

describe('pooling and heads', () => {
  test('a classifier of Python’s is one head with its labels, on its own pooling', async () => {
    const files = await changed('roberta', { config: { id2label: { 0: 'yes', 1: 'no', 2: 'maybe' } } });
    await using model = await load(files);
    expect(model.pooling).toBe('pooler');
    expect(model.heads.map(({ name, labels }) => ({ name, labels }))).toEqual([
      { name: 'default', labels: ['yes', 'no', 'maybe'] },
    ]);
  });

  test('sentence-transformers’ pooling is taken over', async () => {
    const files = await changed('bert-mlm', {
      files: { '1_Pooling/config.json': { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false } },
    });
    await using model = await load(files);
    expect(model.pooling).toBe('cls');
  });

  test('sentence-transformers’ files go along with a save where it can open the folder with them: not with a module that is not there', async () => {
    const carriedWith = async (...modules: string[]) => {
      const types = ['Transformer', 'Pooling', ...modules].map((type) => ({ type: `sentence_transformers.models.${type}` }));
      const pooling = { pooling_mode_cls_token: false, pooling_mode_mean_tokens: true };
      const files = await changed('bert-mlm', { files: { 'modules.json': types, '1_Pooling/config.json': pooling } });
      await using model = await load(files);
      const saved = memoryFiles();
      await model.save(saved);
      return (await saved.list()).filter((name) => name === 'modules.json' || name.startsWith('1_Pooling'));
    };
    expect(await carriedWith('Normalize')).toEqual(['modules.json', '1_Pooling/config.json']);
    expect(await carriedWith('Dense')).toEqual([]);
  });

  test('other pooling than the heads were trained with is refused, unless the heads are left out', async () => {
    const error = await refusal(loadTiny('bert', { pooling: 'mean' }));
    expect(error.message).toContain("pooling is 'mean', but the heads");
    await using model = await loadTiny('bert', { pooling: 'mean', heads: false });
    expect(model.heads).toEqual([]);
    expect(Object.keys(model.weights).filter((name) => name.startsWith('classifier'))).toEqual([]);
    expect(model.trainable.filter((name) => name.includes('pooler'))).toEqual([]);
  });

  test('a pooler that the checkpoint lacks needs a seed', async () => {
    const error = await refusal(loadTiny('roberta-mlm', { pooling: 'pooler' }));
    expect(error.message).toContain("'classifier.dense.weight', which is missing (pass a seed to start it fresh)");
    await using model = await loadTiny('roberta-mlm', { pooling: 'pooler', seed: 1 });
    expect(model.trainable).toContain('classifier.dense.weight');
  });
});

describe('what does not fit is refused, by name, and nothing stays loaded', () => {
  test.each<[string, Change, string[]]>([
    [
      'a missing tensor',
      { tensors: (tensors) => tensors.delete('bert.encoder.layer.1.output.dense.bias') },
      ["tensor 'bert.encoder.layer.1.output.dense.bias' is missing"],
    ],
    [
      'half a pooler',
      { tensors: (tensors) => tensors.delete('bert.pooler.dense.bias') },
      ["tensor 'bert.pooler.dense.bias' is missing"],
    ],
    [
      'a surplus tensor',
      { tensors: (tensors) => tensors.set('qa_outputs.weight', { shape: [1], values: Float32Array.of(0) }) },
      ["tensor 'qa_outputs.weight' does not belong to a bert encoder with the heads supported here"],
    ],
    [
      'more layers than configured',
      { config: { num_hidden_layers: 1 } },
      Array.from({ length: 16 }, () => expect.stringContaining('bert.encoder.layer.1') as string),
    ],
    [
      'another shape',
      { config: { max_position_embeddings: 17 } },
      ["tensor 'bert.embeddings.position_embeddings.weight' has shape [16, 16], config.json wants [17, 16]"],
    ],
    [
      'labels of another number',
      { config: { id2label: { 0: 'a', 1: 'b' } } },
      [
        expect.stringContaining("'classifier.weight' has shape [3, 16], config.json wants [2, 16]") as string,
        expect.stringContaining("'classifier.bias'") as string,
      ],
    ],
  ])('%s', async (_, change, issues) => {
    const error = await refusal(load(await changed('bert', change)));
    expect(error.code).toBe('bad-weights');
    expect(error.issues.map(({ message }) => message)).toEqual(issues);
  });

  test('weights that end before their time', async () => {
    const files = await changed('bert', {});
    const bytes = await files.read('model.safetensors');
    const contents = new Map([
      ['config.json', await files.read('config.json')],
      ['model.safetensors', bytes.subarray(0, bytes.length - 100)],
    ]);
    expect((await refusal(load(memoryFiles(contents)))).message).toMatch(/'model.safetensors' is cut off: tensor/);
  });

  test('a tokenizer of another vocabulary', async () => {
    for (const size of [61, 59 - 128]) {
      const error = await refusal(load(await changed('bert', {}), { tokenizer: idTokenizer(Math.abs(size)) }));
      expect(error.code).toBe('bad-tokenizer');
      expect(error.message).toContain(`has ${Math.abs(size)} ids, the model's vocabulary 60`);
    }
    // A table with a few rows more is only padded.
    await using model = await load(await changed('bert', {}), { tokenizer: idTokenizer(50) });
    expect(model.tokenizer.vocabularySize).toBe(50);
  });

  test('labels that occur twice', async () => {
    const error = await refusal(load(await changed('bert', { config: { id2label: { 0: 'a', 1: 'a', 2: 'b' } } })));
    expect(error.message).toContain("id2label: labels must differ; more than once: 'a'");
  });

  test('bad options', async () => {
    await expect(loadTiny('bert', { maxLength: 17 })).rejects.toThrow(
      'maxLength 17 is more than the 16 tokens that the model has positions for',
    );
    await expect(loadTiny('bert', { pooling: 'max' as 'mean' })).rejects.toThrow(
      'pooling must be one of mean, cls, pooler, got "max"',
    );
    await expect(loadTiny('bert', { trainable: ['nothing'] })).rejects.toThrow("the model has no weight 'nothing'");
    await expect(loadModel(memoryFiles(new Map(), 'an empty place'))).rejects.toThrow(
      "There is no 'config.json' in an empty place",
    );
  });
});

describe('holdfast.json', () => {
  const saved = async (): Promise<Map<string, Uint8Array>> => {
    const contents = new Map<string, Uint8Array>();
    await using model = await loadTiny('bert', { heads: false, pooling: 'mean' });
    model.addHead('billing', ['invoice', 'refund']);
    await model.save(memoryFiles(contents));
    return contents;
  };
  const edited = async (change: Record<string, unknown>): Promise<Files> => {
    const contents = await saved();
    const sidecar = JSON.parse(new TextDecoder().decode(contents.get('holdfast.json'))) as Record<string, unknown>;
    return memoryFiles(
      new Map(contents).set('holdfast.json', new TextEncoder().encode(JSON.stringify({ ...sidecar, ...change }))),
    );
  };

  test('a newer format is refused by name', async () => {
    const error = await refusal(load(await edited({ format: 2 })));
    expect(error.code).toBe('newer-format');
    expect(error.message).toContain('was saved in format 2; this version of holdfast reads up to 1');
  });

  test.each([
    [{ format: 'x' }, 'format must be a whole number ≥ 1, got "x"'],
    [{ pooling: 'max' }, 'pooling must be one of mean, cls, pooler, got "max"'],
    [{ heads: [{ name: 'a', labels: [] }] }, "head 'a': labels must be a list of at least one label"],
    [
      {
        heads: [
          { name: 'a', labels: ['x'] },
          { name: 'a', labels: ['y'] },
        ],
      },
      'the names of the heads must differ, got a, a',
    ],
  ])('%o', async (change, message) => {
    const error = await refusal(load(await edited(change)));
    expect(error.code).toBe('bad-config');
    expect(error.message).toContain(message);
  });

  test('other weights than those of the save are noticed', async () => {
    const contents = await saved();
    const weights = contents.get('model.safetensors')!.slice();
    weights[weights.length - 1]! ^= 1;
    const error = await refusal(load(memoryFiles(contents.set('model.safetensors', weights))));
    expect(error.message).toContain("they are not those that 'holdfast.json' was saved with");
  });
});

test('a path: saved there, opened from there', async () => {
  const folder = path.join(root, 'model');
  await using model = await loadTiny('distilbert');
  await model.save(folder);
  await using again = await loadModel(folder, { tokenizer: idTokenizer(60) });
  expect(await logitsOf(again)).toEqual(await logitsOf(model));
});
