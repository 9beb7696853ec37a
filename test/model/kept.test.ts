import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Model } from '../../src/core/types';
import { memoryFiles } from '../../src/model/files';
import type { Keep } from '../../src/model/capture';
import { loadModel, type PretrainedModel } from '../../src/model';
import { restoreKept } from '../../src/model/restoreKept';
import { valuesOf } from '../support/close';
import { scoped, tensorCount } from '../support/leaks';
import { idTokenizer, loadTiny, vocabularyOf } from './tiny';

const tokenizer = idTokenizer(vocabularyOf('bert'));
let model: PretrainedModel;
let root = '';
beforeAll(async () => {
  await tf.setBackend('cpu');
  root = await mkdtemp(path.join(tmpdir(), 'holdfast-kept-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  model = await loadTiny('bert', { pooling: 'pooler' });
});
afterEach(() => model.dispose());

/** Holds any state; `got` is what a restore gave it, with tensors as clones. */
class Box {
  got: unknown;
  constructor(
    public held: unknown,
    private readonly problem?: string,
  ) {}
  state = (): unknown => this.held;
  restore(state: unknown, at: Model): void {
    if (this.problem) throw new Error(this.problem);
    expect(at.trainable.length).toBeGreaterThan(0);
    this.got = this.held = cloned(state);
  }
}
function cloned(value: unknown): unknown {
  if (value instanceof tf.Tensor) return value.clone();
  if (Array.isArray(value)) return value.map(cloned);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, cloned(entry)]));
}

/** Saves to memory and gives the parts of `into` what was saved. */
async function throughFiles(keep: Keep, into: Keep, files = memoryFiles()) {
  await model.save(files, { keep });
  const loaded = await loadModel(files, { tokenizer, keep: into });
  loaded.dispose();
  return files;
}
const jsonOf = (contents: ReadonlyMap<string, Uint8Array>, name: string): Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(contents.get(name))) as Record<string, unknown>;
const bytesOf = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe('what is written', () => {
  test(
    'by hand: the tensors in one file under their places, the rest as JSON, a hash of both in holdfast.json',
    scoped(async () => {
      const contents = new Map<string, Uint8Array>();
      const guard = new Box({ 'fisher.w': tf.tensor1d([1, 2]), steps: tf.scalar(3, 'int32') });
      await model.save(memoryFiles(contents), { keep: { guard, memory: new Box({ texts: ['hello'], seen: 2 }) } });
      expect(jsonOf(contents, 'state.json')).toEqual({
        format: 1,
        parts: {
          guard: { 'fisher.w': { $tensor: 'guard/fisher.w' }, steps: { $tensor: 'guard/steps' } },
          memory: { texts: ['hello'], seen: 2 },
        },
      });
      const file = contents.get('state.safetensors')!;
      const header = Number(new DataView(file.buffer, file.byteOffset).getBigUint64(0, true));
      expect(JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + header)))).toMatchObject({
        'guard/fisher.w': { dtype: 'F32', shape: [2], data_offsets: [0, 8] },
        'guard/steps': { dtype: 'I32', shape: [], data_offsets: [8, 12] },
      });
      const sidecar = jsonOf(contents, 'holdfast.json');
      expect(sidecar['state']).toEqual({ hash: expect.stringMatching(/^sha256-[0-9a-f]{64}$/) as string });
      expect(sidecar['files']).toEqual(expect.arrayContaining(['state.json', 'state.safetensors']));
    }),
  );

  test(
    'the state of the moment of the call, whatever happens while it is written; what must be awaited too',
    scoped(async () => {
      const weight = tf.variable(tf.tensor1d([1, 2]));
      const texts = ['before'];
      const now = new Box({ weight, texts, row: Float32Array.of(5) });
      const later = { state: () => Promise.resolve({ weight: weight.clone() }), restore: () => {} };
      const [files, box] = [memoryFiles(), new Box(0)];
      const saving = model.save(files, { keep: { now, later } });
      weight.assign(tf.tensor1d([8, 9]));
      texts[0] = 'after';
      (now.held as { row: Float32Array }).row[0] = 6;
      await saving;
      const loaded = await loadModel(files, { tokenizer, keep: { now: box, later } });
      loaded.dispose();
      const got = box.got as { weight: tf.Tensor; texts: string[]; row: Float32Array };
      expect([await valuesOf(got.weight), got.texts, [...got.row]]).toEqual([[1, 2], ['before'], [5]]);
    }),
  );

  test(
    'what occurs twice is stored once, clones too',
    scoped(async () => {
      const contents = new Map<string, Uint8Array>();
      const shared = tf.tensor2d([[1, 2]]);
      const [a, b] = [new Box(0), new Box(0)];
      const keep = { a: new Box([shared, shared.clone(), shared.reshape([2])]), b: new Box({ again: shared }) };
      await throughFiles(keep, { a, b }, memoryFiles(contents));
      expect(jsonOf(contents, 'state.json')['parts']).toEqual({
        a: [{ $tensor: 'a/0' }, { $tensor: 'a/0' }, { $tensor: 'a/2' }],
        b: { again: { $tensor: 'b/again' } },
      });
      expect((a.got as tf.Tensor[]).map(({ shape }) => shape)).toEqual([[1, 2], [1, 2], [2]]);
      expect(await valuesOf((b.got as { again: tf.Tensor }).again)).toEqual([1, 2]);
    }),
  );
});

describe('comes back bit for bit', () => {
  const bits = async (tensor: tf.Tensor) => [
    tensor.dtype,
    tensor.shape,
    [...new Uint8Array((await tensor.data()).slice().buffer)],
  ];
  const tensors: [string, () => tf.Tensor][] = [
    ['float32, with NaN, −0, infinities and the smallest number', () => tf.tensor([NaN, -0, Infinity, -Infinity, 1e-45, 0.1])],
    ['int32 beyond what float32 holds', () => tf.tensor([2 ** 31 - 1, -(2 ** 31), 2 ** 24 + 1], [3, 1], 'int32')],
    ['bool', () => tf.tensor([true, false, true], [3], 'bool')],
    ['a scalar', () => tf.scalar(7, 'int32')],
    ['nothing, with a shape', () => tf.zeros([0, 3])],
  ];
  for (const [what, make] of tensors) {
    test(
      what,
      scoped(async () => {
        const [tensor, into] = [make(), new Box(0)];
        await throughFiles({ part: new Box(tensor) }, { part: into });
        expect(await bits(into.got as tf.Tensor)).toEqual(await bits(tensor));
      }),
    );
  }

  const values: [string, unknown][] = [
    ['numbers', [0.1, NaN, -0, Infinity, -Infinity, 2 ** 53 - 1, 5e-324]],
    ['texts', ['', 'ä 🙂 \ud800 \u0000 "', '$tensor']],
    ['keys that look like marks or are odd', { $tensor: 'x', inner: { $object: { a: -0 } }, ['__proto__']: 1, '': { 'a/b': null } }],
    ['typed arrays', { a: Float64Array.of(0.1), b: Int32Array.of(-1), c: Uint32Array.of(2 ** 32 - 1), d: Uint8Array.of(255), e: new Float32Array(0) }],
    ['two places of one name', { 'a/b': Int32Array.of(1), a: { b: Int32Array.of(2) } }],
    ['null itself', null],
  ]; // prettier-ignore
  for (const [what, value] of values) {
    test(what, async () => {
      const into = new Box(0);
      await throughFiles({ part: new Box(value) }, { part: into });
      expect(into.got).toStrictEqual(value);
      if (Array.isArray(value)) value.forEach((item, i) => expect(Object.is((into.got as unknown[])[i], item)).toBe(true));
    });
  }

  test(
    'also beside weights of half precision; what is undefined is left out',
    scoped(async () => {
      const [files, into] = [memoryFiles(), new Box(0)];
      await model.save(files, { precision: 'float16', keep: { part: new Box({ x: tf.scalar(0.1), none: undefined }) } });
      await restoreKept(files, model, { part: into });
      const { x, ...rest } = into.got as { x: tf.Tensor };
      expect(await valuesOf(x)).toEqual([Math.fround(0.1)]);
      expect(rest).toEqual({});
    }),
  );
});

describe('all or nothing', () => {
  test(
    'if the third restore fails, the first two hold what they held, and no model is left',
    scoped(async () => {
      const files = memoryFiles();
      await model.save(files, { keep: { a: new Box(tf.scalar(1)), b: new Box(['new']), c: new Box(3), d: new Box(4) } });
      const parts = { a: new Box(tf.scalar(5)), b: new Box(['old']), c: new Box(0, 'c is full'), d: new Box(0) };
      const before = tensorCount();
      await expect(loadModel(files, { tokenizer, keep: parts })).rejects.toThrow('c is full');
      expect(await valuesOf(parts.a.held as tf.Tensor)).toEqual([5]);
      expect([parts.b.held, parts.d.got]).toEqual([['old'], undefined]);
      // The clones that the two boxes made of what came and went.
      expect(tensorCount() - before).toBe(2);
    }),
  );

  test('a part that cannot take back what it held is named', async () => {
    const files = memoryFiles();
    await model.save(files, { keep: { a: new Box(1), b: new Box(2) } });
    const stuck = { state: () => 0, restore: (state: number) => { if (state === 0) throw new Error('no head'); } }; // prettier-ignore
    await expect(restoreKept(files, model, { a: stuck, b: new Box(0, 'b is full') })).rejects.toThrow(
      "b is full Besides, 'a' could not be put back to what it held (no head)",
    );
  });
});

describe('what is refused', () => {
  /** Saves a state, spoils the files, and says what loading throws; no restore may have been called. */
  async function failure(spoil: (contents: Map<string, Uint8Array>) => void | Promise<void>, names = ['a', 'b']) {
    const contents = new Map<string, Uint8Array>();
    const files = memoryFiles(contents, 'the folder');
    await model.save(files, { keep: { a: new Box(Float32Array.of(1, 2)), b: new Box('text') } });
    await spoil(contents);
    const into = Object.fromEntries(names.map((name) => [name, new Box(0)]));
    const error: unknown = await loadModel(files, { tokenizer, keep: into }).catch((cause: unknown) => cause);
    for (const box of Object.values(into)) expect(box.held).toBe(0);
    return error as Error;
  }
  const cases: [string, RegExp, (contents: Map<string, Uint8Array>) => void | Promise<void>, string[]?][] = [
    ['a part that was not saved', /loadModel: the folder holds no state of 'x': it was saved with 'a', 'b'/, () => {}, ['a', 'b', 'x']],
    ['a part that nobody takes', /the folder also holds the state of 'b': name it in keep/, () => {}, ['a']],
    ['a folder without a state', /no state of 'a', 'b': it was saved without keep/, (c) => model.save(memoryFiles(c))],
    ['a newer format', /'state.json' in the folder has format 2; this version of holdfast reads format 1/, (c) => void c.set('state.json', bytesOf({ ...jsonOf(c, 'state.json'), format: 2 }))],
    ['a missing file', /There is no 'state.safetensors' in the folder, though its holdfast.json tells of a state/, (c) => void c.delete('state.safetensors')],
    ['a file cut off', /'state.safetensors' is cut off/, (c) => void c.set('state.safetensors', c.get('state.safetensors')!.slice(0, -3))],
    ['JSON cut off', /'state.json' in the folder is not valid JSON/, (c) => void c.set('state.json', c.get('state.json')!.slice(0, -9))],
    ['one other byte', /The state in the folder is not the one that its holdfast.json was saved with/, (c) => void (c.get('state.safetensors')![c.get('state.safetensors')!.length - 1]! ^= 1)],
    ['another text', /is not the one that/, (c) => void c.set('state.json', bytesOf({ format: 1, parts: { ...(jsonOf(c, 'state.json')['parts'] as object), b: 'tent' } }))],
    ['files of two saves', /is not the one that/, async (c) => {
      const other = new Map<string, Uint8Array>();
      await model.save(memoryFiles(other), { keep: { a: new Box(Float32Array.of(1, 3)), b: new Box('text') } });
      c.set('state.safetensors', other.get('state.safetensors')!);
    }],
  ]; // prettier-ignore
  for (const [what, message, spoil, names] of cases) {
    test(what, async () => {
      expect((await failure(spoil, names)).message).toMatch(message);
    });
  }

  const unsavable: [string, Keep, string][] = [
    ['a name', { 'a/b': new Box(1) }, "save: 'a/b' in keep must be a name of letters"],
    ['a name that begins otherwise', { __metadata__: new Box(1) }, 'beginning with a letter'],
    ['something else', { a: {} as Box }, "save: 'a' in keep must have state() and restore(state)"],
    ['a Map', { a: new Box({ deep: [1, new Map()] }) }, 'save: the state at a/deep/1 is a Map, which cannot be saved'],
    ['a function', { a: new Box({ f: () => 0 }) }, 'the state at a/f is of type function'],
    ['undefined in a list', { a: new Box([undefined]) }, 'the state at a/0 is of type undefined'],
  ];
  for (const [what, keep, message] of unsavable) {
    test(`to save ${what}: nothing is written`, async () => {
      const contents = new Map<string, Uint8Array>();
      await expect(model.save(memoryFiles(contents), { keep })).rejects.toThrow(message);
      expect(contents.size).toBe(0);
    });
  }

  test('two states that fail: the first is told, and neither ends the process', async () => {
    const unhandled: unknown[] = [];
    const listener = (cause: unknown) => void unhandled.push(cause);
    process.on('unhandledRejection', listener);
    const failing = (problem: string) => ({ state: () => Promise.reject(new Error(problem)), restore: () => {} });
    await expect(model.save(memoryFiles(), { keep: { a: failing('lost'), b: failing('too') } })).rejects.toThrow('lost');
    await expect(model.save(memoryFiles(), { keep: { a: failing('lost'), b: new Box(() => 0) } })).rejects.toThrow('function');
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off('unhandledRejection', listener);
    expect(unhandled).toEqual([]);
  });
});

describe('in a folder', () => {
  test('a later save without keep drops the state; the model opens either way', async () => {
    const folder = path.join(root, 'dropped');
    await model.save(folder, { keep: { part: new Box({ x: Float32Array.of(1) }) } });
    (await loadModel(folder, { tokenizer })).dispose();
    const into = new Box(0);
    await restoreKept(folder, model, { part: into });
    expect(into.got).toEqual({ x: Float32Array.of(1) });
    await model.save(folder);
    expect((await readdir(folder)).filter((name) => name.startsWith('state'))).toEqual([]);
    (await loadModel(folder, { tokenizer })).dispose();
  });

  test('a file of the user’s with the name of one of ours is not overwritten', async () => {
    const folder = path.join(root, 'theirs');
    await model.save(folder);
    await writeFile(path.join(folder, 'state.json'), 'mine');
    await expect(model.save(folder, { keep: { part: new Box(1) } })).rejects.toMatchObject({ code: 'save-conflict' });
    await model.save(folder);
    expect((await readdir(folder)).includes('state.json')).toBe(true);
  });
});
