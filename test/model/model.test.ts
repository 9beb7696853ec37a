import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { createRng } from '../../src/core/rng';
import { createModel, headsOnly, lastLayers, loadModel, memoryFiles, type PretrainedModel } from '../../src/model';
import { readTensorIndex } from '../../src/model/safetensors';
import { distance, idTokenizer, loadTiny } from './tiny';

beforeAll(() => tf.setBackend('cpu'));

const inputs = () => ({ ids: tf.tensor2d([[5, 9, 14]], [1, 3], 'int32'), mask: tf.ones<tf.Rank.R2>([1, 3]) });

async function logitsOf(model: PretrainedModel): Promise<number[]> {
  const logits = tf.tidy(() => model.forward(inputs()).logits);
  const values = [...(await logits.data())];
  logits.dispose();
  return values;
}

describe('heads', () => {
  test('are blocks side by side; the old ones stay as they are', async () => {
    await using model = await loadTiny('bert');
    const before = await logitsOf(model);
    const billing = model.addHead('billing', ['invoice', 'refund'], { seed: 1 });
    expect(billing).toMatchObject({ name: 'billing', labels: ['invoice', 'refund'], offset: 3 });
    expect([billing.columnOf('invoice'), billing.columnOf('refund'), billing.columnOf('LABEL_0')]).toEqual([3, 4, undefined]);
    expect(model.classCount).toBe(5);
    expect(model.head('billing')).toBe(billing);
    expect((await logitsOf(model)).slice(0, 3)).toEqual(before);
    expect(model.trainable).toContain('classifier.billing.weight');
  });

  test('start from normal(0, initializer_range), by seed and name', async () => {
    await using model = await loadTiny('bert', { heads: false });
    const labels = Array.from({ length: 400 }, (_, i) => `label ${i}`);
    model.addHead('a', labels, { seed: 1 });
    model.addHead('b', labels, { seed: 1 });
    await using other = await loadTiny('bert', { heads: false });
    other.addHead('a', labels, { seed: 1 });
    other.addHead('c', labels, { seed: 2 });
    const valuesOf = async (from: PretrainedModel, name: string) => [
      ...(await from.weights[`classifier.${name}.weight`]!.data()),
    ];
    const [a, b] = [await valuesOf(model, 'a'), await valuesOf(model, 'b')];
    const mean = a.reduce((sum, x) => sum + x, 0) / a.length;
    const deviation = Math.sqrt(a.reduce((sum, x) => sum + (x - mean) ** 2, 0) / a.length);
    // 6,400 draws with a deviation of 0.3: the mean's is 0.004, the deviation's 0.003.
    expect(Math.abs(mean)).toBeLessThan(0.016);
    expect(Math.abs(deviation - 0.3)).toBeLessThan(0.012);
    expect(await valuesOf(other, 'a')).toEqual(a);
    expect(distance(a, b)).toBeGreaterThan(1);
  });

  test.each([
    ['default', ['a'], "there is a head 'default' already, with 3 labels"],
    ['', ['a'], 'name must be a text that is not empty, got ""'],
    ['x', [], "labels must be a list of at least one label in head 'x'"],
    ['x', ['a', 'b', 'a', 'b'], "labels must differ; more than once: 'a', 'b' in head 'x'"],
    ['x', ['a', ''], 'labels must be texts that are not empty, got ""'],
  ])('%o with %o is refused and changes nothing', async (name, labels, message) => {
    await using model = await loadTiny('bert');
    const before = tf.memory().numTensors;
    expect(() => model.addHead(name, labels)).toThrow(message);
    expect(tf.memory().numTensors).toBe(before);
    expect(model.classCount).toBe(3);
  });

  test.each(['roberta', 'roberta-mlm'])(
    'a name that RoBERTa’s own classifier uses is refused, also without one: %s',
    async (name) => {
      await using model = await loadTiny(name);
      expect(() => model.addHead('dense', ['a'])).toThrow(
        "'dense' is what the pooler is called in this architecture: choose another",
      );
      await using bert = await loadTiny('bert-mlm');
      bert.addHead('dense', ['a']);
    },
  );

  test('an unknown head is named together with those that there are', async () => {
    await using model = await loadTiny('bert');
    expect(() => model.head('x')).toThrow("There is no head 'x': there are 'default'.");
    await using bare = await loadTiny('bert-mlm');
    expect(() => tf.tidy(() => bare.forward(inputs()).logits)).toThrow('The model has no head');
  });
});

describe('trainable', () => {
  test('all weights in use by default: not a pooler that pooling passes by', async () => {
    await using model = await loadTiny('bert', { pooling: 'mean', heads: false });
    expect(Object.keys(model.weights).filter((name) => !model.trainable.includes(name))).toEqual([
      'bert.pooler.dense.weight',
      'bert.pooler.dense.bias',
    ]);
  });

  test('by layers, by part, by name', async () => {
    await using model = await loadTiny('bert', { trainable: lastLayers(1) });
    expect(model.trainable).toHaveLength(16 + 2 + 2);
    expect(model.trainable.every((name) => /layer\.1|pooler|classifier/.test(name))).toBe(true);
    model.setTrainable(headsOnly);
    expect(model.trainable).toEqual(['classifier.default.weight', 'classifier.default.bias']);
    model.setTrainable(({ part, layer }) => part === 'embeddings' || layer === 0);
    expect(model.trainable).toHaveLength(5 + 16);
    model.setTrainable(['bert.pooler.dense.bias']);
    expect(model.trainable).toEqual(['bert.pooler.dense.bias']);
    model.addHead('later', ['a']);
    expect(model.trainable).toContain('classifier.later.bias');
    expect(() => lastLayers(-1)).toThrow('lastLayers: count must be a whole number ≥ 0, got -1');
  });

  test('unknown names are refused, all of them, and nothing changes', async () => {
    await using model = await loadTiny('bert');
    const before = model.trainable;
    expect(() => model.setTrainable(['x', 'y'])).toThrow("the model has no weight 'x'; the model has no weight 'y'");
    expect(model.trainable).toEqual(before);
  });
});

describe('masked-language head', () => {
  test('is asked for where there is none, and can be added', async () => {
    await using model = await loadTiny('bert');
    expect(() => tf.tidy(() => model.tokenLogits(tf.zeros([1, 16])))).toThrow('This checkpoint has no masked-language head');
    model.addMaskedLmHead({ seed: 1 });
    const scores = tf.tidy(() => model.tokenLogits(tf.ones([2, 16])));
    expect(scores.shape).toEqual([2, 60]);
    scores.dispose();
    expect(() => model.addMaskedLmHead()).toThrow('addMaskedLmHead: the model has a masked-language head already');
  });
});

describe('forward', () => {
  test('more tokens than positions are refused', async () => {
    await using model = await loadTiny('roberta');
    expect(() => tf.tidy(() => model.forward({ ids: tf.zeros([1, 15], 'int32'), mask: tf.ones([1, 15]) }).hidden)).toThrow(
      'the inputs have 15 tokens, the model has positions for 14',
    );
  });

  test('weights that lack a name are refused', async () => {
    await using model = await loadTiny('bert');
    const { [model.embeddingTable]: _table, ...rest } = model.weights;
    expect(() => tf.tidy(() => model.forward(inputs(), { weights: rest }).hidden)).toThrow(
      `The weights given lack '${model.embeddingTable}'`,
    );
  });
});

describe('dropout stands where the reference has it', () => {
  const rates = { hidden_dropout_prob: 0, attention_probs_dropout_prob: 0, classifier_dropout: 0 };
  const distilbert = {
    model_type: 'distilbert',
    dim: 16,
    n_layers: 1,
    n_heads: 2,
    hidden_dim: 32,
    dropout: 0,
    attention_dropout: 0,
    seq_classif_dropout: 0,
  };

  test.each<[string, Record<string, unknown>, string[]]>([
    ['BERT’s classifier', { ...rates, classifier_dropout: 0.5 }, ['logits']],
    ['BERT’s hidden states', { ...rates, hidden_dropout_prob: 0.5 }, ['hidden', 'pooled', 'logits']],
    ['BERT’s attention', { ...rates, attention_probs_dropout_prob: 0.5 }, ['hidden', 'pooled', 'logits']],
    [
      'RoBERTa’s classifier, before and after its dense map',
      { ...rates, model_type: 'roberta', classifier_dropout: 0.5 },
      ['pooled', 'logits'],
    ],
    ['DistilBERT’s classifier', { ...distilbert, seq_classif_dropout: 0.5 }, ['logits']],
    ['DistilBERT’s attention', { ...distilbert, attention_dropout: 0.5 }, ['hidden', 'pooled', 'logits']],
    ['nowhere', rates, []],
  ])('%s', async (_, config, wanted) => {
    await using model = createModel({ ...tinyConfig, ...config }, { tokenizer: idTokenizer(60), pooling: 'pooler' });
    model.addHead('a', ['x', 'y']);
    const valuesOf = async (seed?: number) => {
      const batch = inputs();
      const { hidden, pooled, logits } = model.forward(batch, seed === undefined ? {} : { rng: createRng(seed) });
      const values = { hidden: await hidden.data(), pooled: await pooled.data(), logits: await logits.data() };
      tf.dispose([hidden, pooled, logits, { ...batch }]);
      return values;
    };
    const [still, moved] = [await valuesOf(), await valuesOf(1)];
    const differ = (['hidden', 'pooled', 'logits'] as const).filter((part) => distance(still[part], moved[part]) > 1e-7);
    expect(differ).toEqual(wanted);
  });
});

describe('life', () => {
  test('a clone learns by itself; the tokenizer lives as long as one of them', async () => {
    let disposed = 0;
    const tokenizer = { ...idTokenizer(60), dispose: () => void disposed++ };
    const model = await loadTiny('bert', { tokenizer });
    const copy = model.clone();
    const before = await logitsOf(model);
    copy.addHead('more', ['a']);
    tf.tidy(() => copy.weights['classifier.default.bias']!.assign(tf.tensor1d([1, 1, 1])));
    expect(await logitsOf(model)).toEqual(before);
    const bias = await model.weights['classifier.default.bias']!.data();
    expect(await logitsOf(copy)).toEqual([
      ...before.map((x, i) => expect.closeTo(x - bias[i]! + 1, 5) as number),
      expect.any(Number),
    ]);
    model.dispose();
    expect((await logitsOf(copy)).length).toBe(4);
    copy.dispose();
    // The caller brought it, so the caller disposes it.
    expect(disposed).toBe(0);
  });

  test('a disposed model says so', async () => {
    const model = await loadTiny('bert');
    model.dispose();
    model.dispose();
    expect(() => tf.tidy(() => model.forward(inputs()).hidden)).toThrow('This model was disposed');
    await expect(model.save(memoryFiles())).rejects.toMatchObject({ code: 'disposed' });
  });
});

describe('save', () => {
  test('in Hugging Face’s layout: heads merged, labels and class in config.json', async () => {
    await using model = await loadTiny('xlm-roberta');
    model.addHead('more', ['LABEL_0', 'new']);
    const files = memoryFiles();
    await model.save(files);
    const config = JSON.parse(new TextDecoder().decode(await files.read('config.json'))) as Record<string, unknown>;
    expect(config).toMatchObject({
      architectures: ['XLMRobertaForSequenceClassification'],
      id2label: { 0: 'default/LABEL_0', 1: 'LABEL_1', 2: 'LABEL_2', 3: 'more/LABEL_0', 4: 'new' },
      label2id: { 'default/LABEL_0': 0, new: 4 },
      num_labels: 5,
      problem_type: 'single_label_classification',
    });
    const index = await readTensorIndex(files);
    expect(index.get('classifier.out_proj.weight')!.shape).toEqual([5, 16]);
    expect(index.get('classifier.out_proj.bias')!.shape).toEqual([5]);
    expect([...index.keys()].filter((name) => name.includes('default') || name.includes('more'))).toEqual([]);
    await using again = await loadModel(files, { tokenizer: idTokenizer(68) });
    expect(again.heads.map(({ name, labels, offset }) => [name, labels, offset])).toEqual([
      ['default', ['LABEL_0', 'LABEL_1', 'LABEL_2'], 0],
      ['more', ['LABEL_0', 'new'], 3],
    ]);
    expect(await logitsOf(again)).toEqual(await logitsOf(model));
  });

  test('heads on another pooling are not taken for Python’s classifier', async () => {
    await using model = await loadTiny('bert', { pooling: 'mean', heads: false });
    model.addHead('billing', ['invoice', 'refund']);
    const files = memoryFiles();
    await model.save(files);
    const config = JSON.parse(new TextDecoder().decode(await files.read('config.json'))) as Record<string, unknown>;
    expect(config['architectures']).toEqual(['BertModel']);
    expect([...(await readTensorIndex(files)).keys()].filter((name) => !name.startsWith('bert.'))).toEqual([
      'heads.weight',
      'heads.bias',
    ]);
    await using again = await loadModel(files, { tokenizer: idTokenizer(60) });
    expect(again.pooling).toBe('mean');
    expect(await logitsOf(again)).toEqual(await logitsOf(model));
  });

  test('float16 halves the file and stays near', async () => {
    await using model = await loadTiny('bert');
    const [whole, half] = [memoryFiles(), memoryFiles()];
    await model.save(whole);
    await model.save(half, { precision: 'float16' });
    const none = new Map<string, Uint8Array>();
    await expect(model.save(memoryFiles(none), { precision: 'bfloat16' as never })).rejects.toThrow(
      'save: precision must be one of float32, float16, got "bfloat16"',
    );
    expect(none.size).toBe(0);
    expect((await half.size('model.safetensors'))! / (await whole.size('model.safetensors'))!).toBeLessThan(0.7);
    await using again = await loadModel(half, { tokenizer: idTokenizer(60) });
    expect(distance(await logitsOf(again), await logitsOf(model))).toBeLessThan(0.02);
  });

  test('writes the moment of the call, whatever training does meanwhile', async () => {
    await using model = await loadTiny('bert');
    const before = await logitsOf(model);
    const files = memoryFiles();
    const saving = model.save(files);
    tf.tidy(() => model.weights['classifier.default.bias']!.assign(tf.tensor1d([9, 9, 9])));
    await saving;
    await using again = await loadModel(files, { tokenizer: idTokenizer(60) });
    expect(await logitsOf(again)).toEqual(before);
  });

  test('carries the tokenizer’s files along', async () => {
    const carried = new Map([['tokenizer.json', new TextEncoder().encode('{"a":1}')]]);
    await using model = createModel(tinyConfig, { tokenizer: idTokenizer(60), carried });
    const files = memoryFiles();
    await model.save(files);
    expect(new TextDecoder().decode(await files.read('tokenizer.json'))).toBe('{"a":1}');
    await using again = await loadModel(files, { tokenizer: idTokenizer(60) });
    const twice = memoryFiles();
    await again.save(twice);
    expect(await twice.size('tokenizer.json')).toBe(7);
  });
});

const tinyConfig = {
  model_type: 'bert',
  hidden_size: 16,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  intermediate_size: 32,
  max_position_embeddings: 16,
  vocab_size: 60,
};

describe('createModel', () => {
  test('is decided by its seed', async () => {
    const statesOf = async (seed: number) => {
      await using model = createModel(tinyConfig, { tokenizer: idTokenizer(60), seed, maskedLm: true });
      const hidden = tf.tidy(() => model.forward(inputs()).hidden);
      const values = await hidden.data();
      hidden.dispose();
      return values;
    };
    expect(await statesOf(1)).toEqual(await statesOf(1));
    expect(distance(await statesOf(1), await statesOf(2))).toBeGreaterThan(0.1);
  });

  test('a table with rows to spare comes back as it was saved', async () => {
    await using model = createModel({ ...tinyConfig, vocab_size: 400 }, { tokenizer: idTokenizer(60) });
    const files = memoryFiles();
    await model.save(files);
    await using loaded = await loadModel(files, { tokenizer: idTokenizer(60) });
    expect(loaded.config.vocabularySize).toBe(400);
    await expect(loadModel(files, { tokenizer: idTokenizer(401) })).rejects.toMatchObject({ code: 'bad-tokenizer' });
  });

  test('refuses a pooling that there is not, which no folder could be loaded with', () => {
    expect(() => createModel(tinyConfig, { tokenizer: idTokenizer(60), pooling: 'max' as never })).toThrow(
      'createModel: pooling must be one of mean, cls, pooler, got "max"',
    );
  });

  test('refuses a tokenizer with more ids', () => {
    expect(() => createModel(tinyConfig, { tokenizer: idTokenizer(61) })).toThrow(
      'the tokenizer has 61 ids, vocab_size is 60: raise it',
    );
  });
});
