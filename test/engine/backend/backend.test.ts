import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isHoldfastError } from '../../../src/core/errors';
import { createOnnxBackend, defineKernel, type OnnxBackend } from '../../../src/engine/backend';

let backend: OnnxBackend;

async function start(sessions = 64): Promise<void> {
  backend = await createOnnxBackend({ threads: 1, sessions });
  await tf.setBackend('onnxruntime');
}

beforeAll(() => start());
afterAll(() => tf.removeBackend('onnxruntime'));

const numbers = (size: number, first = 0): Float32Array => Float32Array.from({ length: size }, (_, i) => first + i);
const compilations = (): number => backend.stats.compilations;
const list = async (x: tf.Tensor): Promise<number[]> => Array.from(await x.data());

/** Reads, and disposes of what was read. */
async function take(x: tf.Tensor): Promise<number[]> {
  const values = await list(x);
  x.dispose();
  return values;
}

describe('laziness', () => {
  test('computes nothing before a read, and nothing that nobody needs', async () => {
    const { runs, nodes } = backend.stats;
    const x = tf.tensor1d([1, 2, 3]);
    const dead = tf.tidy(() => tf.exp(tf.sin(x)));
    dead.dispose();
    const y = tf.tidy(() => tf.square(tf.add(x, 1)));
    expect(backend.stats.runs).toBe(runs);
    expect(await take(y)).toEqual([4, 9, 16]);
    expect(backend.stats.runs).toBe(runs + 1);
    expect(backend.stats.nodes - nodes).toBe(2);
    expect(backend.stats.pending).toBe(0);
    x.dispose();
  });

  test('one flush serves all reads, and reads of what is known need none', async () => {
    const { runs } = backend.stats;
    const x = tf.tensor1d([1, 2]);
    const y = tf.square(x);
    const z = tf.neg(y);
    expect(await Promise.all([list(y), list(z), list(x), list(y)])).toEqual([
      [1, 4],
      [-1, -4],
      [1, 2],
      [1, 4],
    ]);
    expect(backend.stats.runs).toBe(runs + 1);
    expect(Array.from(y.dataSync())).toEqual([1, 4]);
    expect(y.arraySync()).toEqual([1, 4]);
    tf.dispose([x, y, z]);
  });

  test('a synchronous read of what is not computed says what to do', async () => {
    const x = tf.tensor1d([1]);
    const y = tf.neg(x);
    expect(() => y.dataSync()).toThrow(/await tensor\.data\(\)/);
    expect(await take(y)).toEqual([-1]);
    x.dispose();
  });

  test('what is recorded while a flush runs belongs to the next one', async () => {
    const x = tf.tensor1d([1, 2]);
    const y = tf.square(x);
    const first = list(y);
    await Promise.resolve();
    const z = tf.tidy(() => tf.mul(tf.add(y, 1), 2));
    x.dispose();
    y.dispose();
    expect(await first).toEqual([1, 4]);
    expect(await take(z)).toEqual([4, 10]);
  });

  test('a long chain of dropped operations does not overflow the stack', async () => {
    const x = tf.scalar(1);
    const y = tf.tidy(() => {
      let value: tf.Tensor = x;
      for (let i = 0; i < 20_000; i++) value = tf.neg(value);
      return value;
    });
    y.dispose();
    expect(backend.stats.pending).toBe(0);
    x.dispose();
  });

  test('tf.profile, tf.time and tf.memory work', async () => {
    const x = tf.tensor1d([1, 2]);
    const profile = await tf.profile(() => tf.square(x));
    expect(profile.kernelNames).toEqual(['Square']);
    const { kernelMs } = await tf.time(() => tf.dispose(tf.exp(x)));
    expect(kernelMs).toBeGreaterThanOrEqual(0);
    const before = tf.memory();
    const y = tf.zeros([100]);
    expect(tf.memory().numBytes - before.numBytes).toBe(400);
    expect(tf.memory().unreliable).toBe(false);
    tf.dispose([x, y, profile.result]);
  });

  test('moves tensors from and to another backend', async () => {
    await tf.setBackend('cpu');
    const x = tf.tensor1d([1, 2]);
    await tf.setBackend('onnxruntime');
    const y = tf.square(x);
    await y.data();
    await tf.setBackend('cpu');
    const z = tf.neg(y);
    expect(await take(z)).toEqual([-1, -4]);
    await tf.setBackend('onnxruntime');
    tf.dispose([x, y]);
  });

  test('passes strings through', async () => {
    const words = tf.tensor1d(['a', 'ö']);
    expect(await words.data()).toEqual(['a', 'ö']);
    words.dispose();
  });
});

describe('memory', () => {
  test('values that were read are never overwritten', async () => {
    const x = tf.tensor1d(numbers(50_000));
    const y = tf.neg(x);
    const kept = await y.data();
    y.dispose();
    for (let i = 0; i < 5; i++) {
      const z = tf.add(x, i);
      await z.data();
      z.dispose();
    }
    expect(kept[7]).toBe(-7);
    expect(kept.buffer.byteLength).toBe(200_000);
    x.dispose();
  });

  test('an input may be filled anew before it is computed', async () => {
    const batch = numbers(10);
    const x = tf.tensor1d(batch);
    const y = tf.neg(x);
    batch.fill(9);
    expect((await take(y))[3]).toBe(-3);
    x.dispose();
  });

  test('clones and variables share data, and an anchor stays where it was', async () => {
    const initial = tf.tensor1d([1, 2]);
    const v = tf.variable(initial);
    initial.dispose();
    const anchor = v.clone();
    for (let step = 0; step < 3; step++) {
      const next = tf.tidy(() => tf.sub(v, tf.mul(v, 0.5)));
      v.assign(next as tf.Tensor1D);
      next.dispose();
      if (step === 1) await v.data();
    }
    expect(await list(v)).toEqual([0.125, 0.25]);
    expect(await take(anchor)).toEqual([1, 2]);
    v.dispose();
  });

  test('stays flat over steps of many shapes', { timeout: 40_000 }, async () => {
    const initial = tf.tensor2d(
      numbers(64 * 64).map((x) => Math.sin(x) / 8),
      [64, 64],
    );
    const w = tf.variable(initial);
    initial.dispose();
    const step = async (rows: number): Promise<void> => {
      const loss = tf.tidy(() => {
        const x = tf.tensor2d(
          numbers(rows * 64).map((i) => Math.cos(i)),
          [rows, 64],
        );
        const { value, grads } = tf.variableGrads(() => tf.mean(tf.square(tf.tanh(tf.matMul(x, w)))), [w]);
        w.assign(tf.sub(w, tf.mul(grads[w.name] as tf.Tensor, 0.1)) as tf.Tensor2D);
        return value;
      });
      await loss.data();
      loss.dispose();
    };
    for (let i = 0; i < 150; i++) await step(2 + (i % 97));
    const [ids, bytes, count, { rss }] = [backend.numDataIds(), backend.stats.bytes, compilations(), process.memoryUsage()];
    for (let i = 0; i < 600; i++) await step(2 + ((i * 31) % 131));
    expect(backend.numDataIds()).toBe(ids);
    expect(backend.stats.bytes).toBe(bytes);
    expect(compilations()).toBe(count);
    expect(backend.stats.pooledBytes).toBeLessThan(2 ** 20);
    expect(process.memoryUsage().rss - rss).toBeLessThan(64 * 2 ** 20);
    tf.dispose(w);
  });

  test('the last tensor takes what was kept for the next one with it', async () => {
    const others = backend.stats.bytes;
    const twice = (value: number) => tf.tidy(() => tf.mul(tf.fill([64, 64], value), 2));
    const [a, b] = [twice(1), twice(2)];
    await Promise.all([a.data(), b.data()]);
    a.dispose();
    expect(others).toBe(0);
    expect(backend.stats.pooledBytes).toBeGreaterThan(0);
    b.dispose();
    expect(backend.stats).toMatchObject({ bytes: 0, pooledBytes: 0 });
  });
});

describe('the cache', () => {
  const x = (): tf.Tensor => tf.tensor2d(numbers(6, 1), [2, 3]);
  type Program = (x: tf.Tensor) => tf.Tensor;
  const pairs: readonly (readonly [string, Program, Program, number[], number[]])[] = [
    ['a constant', (a) => tf.add(a, 2), (a) => tf.add(a, 3), [3, 4, 5, 6, 7, 8], [4, 5, 6, 7, 8, 9]],
    [
      'a fill',
      (a) => tf.add(tf.sum(tf.fill([50], 2)), tf.min(a)),
      (a) => tf.add(tf.sum(tf.fill([50], 3)), tf.min(a)),
      [101],
      [151],
    ],
    ['an axis', (a) => tf.sum(a, 0), (a) => tf.sum(a, 1), [5, 7, 9], [6, 15]],
    ['a bound', (a) => tf.slice(a, [0, 1], [1, 2]), (a) => tf.slice(a, [1, 0], [1, 2]), [2, 3], [4, 5]],
    ['a dtype', (a) => tf.div(tf.cast(a, 'int32'), 2), (a) => tf.div(a, 2), [0.5, 1, 1.5, 2, 2.5, 3], [0.5, 1, 1.5, 2, 2.5, 3]],
    ['a flag', (a) => tf.cumsum(a, 1), (a) => tf.cumsum(a, 1, true), [1, 3, 6, 4, 9, 15], [0, 1, 3, 0, 4, 9]],
    [
      'a slope',
      (a) => tf.leakyRelu(tf.neg(a), 0.5),
      (a) => tf.leakyRelu(tf.neg(a), 1),
      [-0.5, -1, -1.5, -2, -2.5, -3],
      [-1, -2, -3, -4, -5, -6],
    ],
    ['a depth', (a) => tf.sum(tf.oneHot(tf.cast(a, 'int32'), 4)), (a) => tf.sum(tf.oneHot(tf.cast(a, 'int32'), 6)), [3], [5]],
    ['a clip', (a) => tf.clipByValue(a, 2, 3), (a) => tf.clipByValue(a, 2, 4), [2, 2, 3, 3, 3, 3], [2, 2, 3, 4, 4, 4]],
    [
      'a padding',
      (a) =>
        tf.sum(
          tf.pad(
            a,
            [
              [0, 0],
              [0, 1],
            ],
            1,
          ),
        ),
      (a) =>
        tf.sum(
          tf.pad(
            a,
            [
              [0, 1],
              [0, 0],
            ],
            2,
          ),
        ),
      [23],
      [27],
    ],
    [
      'a permutation',
      (a) => tf.transpose(tf.reshape(a, [1, 2, 3]), [0, 2, 1]),
      (a) => tf.transpose(tf.reshape(a, [1, 2, 3]), [1, 0, 2]),
      [1, 4, 2, 5, 3, 6],
      [1, 2, 3, 4, 5, 6],
    ],
    ['which output', (a) => tf.topk(a, 1).values, (a) => tf.topk(a, 1).indices, [3, 6], [2, 2]],
    [
      'the order',
      (a) => tf.sub(a, tf.square(a)),
      (a) => tf.sub(tf.square(a), a),
      [0, -2, -6, -12, -20, -30],
      [0, 2, 6, 12, 20, 30],
    ],
    [
      'a dimension of 1',
      (a) => tf.add(tf.reshape(a, [6, 1]), tf.ones([1, 1])),
      (a) => tf.add(tf.reshape(a, [1, 6]), tf.ones([6, 1])).slice([2], [1]),
      [2, 3, 4, 5, 6, 7],
      [2, 3, 4, 5, 6, 7],
    ],
  ];
  for (const [what, first, second, wanted, alsoWanted] of pairs) {
    test(`tells programs apart that differ in ${what}`, async () => {
      const input = x();
      for (let round = 0; round < 2; round++) {
        expect(await take(tf.tidy(() => first(input)))).toEqual(wanted);
        expect(await take(tf.tidy(() => second(input)))).toEqual(alsoWanted);
      }
      input.dispose();
    });
  }

  test('one graph serves all sizes and all constants', async () => {
    const before = compilations();
    for (const [rows, factor] of [
      [2, 1],
      [5, 2],
      [9, 3.5],
    ] as const) {
      const input = tf.tensor2d(numbers(rows * 3), [rows, 3]);
      const y = tf.tidy(() =>
        tf.reshape(
          tf.transpose(
            tf.pad(tf.mul(input, factor), [
              [0, rows],
              [0, 0],
            ]),
          ),
          [-1],
        ),
      );
      expect((await take(y))[1]).toBe(3 * factor);
      input.dispose();
    }
    expect(compilations() - before).toBe(1);
  });

  test('keeps few sessions', async () => {
    tf.removeBackend('onnxruntime');
    await start(2);
    const input = x();
    const programs: Program[] = [tf.neg, tf.square, tf.exp, tf.neg];
    for (const program of programs) await take(program(input));
    expect(compilations()).toBe(4);
    await take(tf.neg(input));
    expect(compilations()).toBe(4);
    input.dispose();
    tf.removeBackend('onnxruntime');
    await start();
  });
});

describe('cuts', () => {
  const evaluate = async (count: number, cut: boolean): Promise<number[]> => {
    const inputs = Array.from({ length: count }, (_, i) => tf.tensor2d(numbers(8, i), [2, 4]));
    const w = tf.tensor2d(
      numbers(12).map((v) => Math.sin(v)),
      [4, 3],
    );
    const sum = tf.tidy(() => {
      let total: tf.Tensor | undefined;
      for (const input of inputs) {
        const [grad] = tf.grads((v) => tf.sum(tf.tanh(tf.matMul(input, v as tf.Tensor2D))))([w]) as [tf.Tensor];
        if (cut) backend.cut();
        total = total ? tf.add(total, grad) : grad;
      }
      if (cut) backend.cut();
      return total as tf.Tensor;
    });
    const values = await take(sum);
    tf.dispose([...inputs, w]);
    return values;
  };
  test('run segment by segment, in order, with the same results', async () => {
    const whole = await evaluate(4, false);
    const before = compilations();
    expect(await evaluate(4, true)).toEqual(whole);
    const used = compilations() - before;
    expect(used).toBeLessThanOrEqual(3);
    await evaluate(9, true);
    expect(compilations() - before).toBe(used);
  });
});

describe('failures', () => {
  test('name the operation, and leave the rest usable', async () => {
    const table = tf.tensor2d(numbers(6), [3, 2]);
    const outside = tf.tensor1d([0, 7], 'int32');
    const bad = tf.tidy(() => tf.square(tf.gather(table, outside)));
    const good = tf.neg(table);
    const later = tf.add(good, 1);
    const error = await bad.data().catch((cause: unknown) => cause);
    expect(isHoldfastError(error) && error.code).toBe('engine-failed');
    expect(String(error)).toMatch(/'GatherV2' of \[3, 2\] and \[2\]/);
    await expect(bad.data()).rejects.toThrow(/GatherV2/);
    const onTop = tf.exp(bad);
    await expect(onTop.data()).rejects.toThrow(/GatherV2/);
    expect(await take(later)).toEqual([1, 0, -1, -2, -3, -4]);
    expect(await take(good)).toEqual([-0, -1, -2, -3, -4, -5]);
    tf.dispose([table, outside, bad, onTop]);
    expect(backend.stats.pending).toBe(0);
  });

  test('a flush reports the first failure of what it ran', async () => {
    const table = tf.tensor2d(numbers(6), [3, 2]);
    const outside = tf.tensor1d([7], 'int32');
    const bad = tf.gather(table, outside);
    await expect(backend.flush()).rejects.toThrow(/GatherV2/);
    await backend.flush();
    tf.dispose([table, outside, bad]);
  });

  test('a kernel that is missing says what to do', () => {
    const x = tf.tensor4d([1], [1, 1, 1, 1]);
    try {
      tf.conv2d(x, x, 1, 'same');
      expect.unreachable();
    } catch (error) {
      expect(isHoldfastError(error) && error.code).toBe('kernel-missing');
      expect(String(error)).toMatch(/'Conv2D' is not available on the onnxruntime engine.*another engine/);
    }
    x.dispose();
  });

  test('an operation without an emitter is named', async () => {
    defineKernel('TestForgotten', {
      record: (b, { x }) => b.record('TestForgotten', [x!], {}, { shape: [1], dtype: 'float32' }),
    });
    const x = tf.tensor1d([1]);
    const y = tf.engine().runKernel('TestForgotten', { x }) as tf.Tensor;
    await expect(y.data()).rejects.toThrow(/TestForgotten/);
    tf.dispose([x, y]);
  });

  test('a second backend with another runner is refused', async () => {
    expect(await createOnnxBackend()).toBe(backend);
    await expect(createOnnxBackend({ runner: 'node' })).rejects.toThrow(/removeBackend/);
    await expect(createOnnxBackend({ runner: 'gpu' as never })).rejects.toThrow(/runner must be one of/);
    await expect(createOnnxBackend({ threads: 0 })).rejects.toThrow(/threads/);
  });
});

test('fused kernels: several outputs, floats, constants and fed numbers', async () => {
  defineKernel('TestStatistics', {
    record: (b, { x }, { scale }) =>
      b.record('TestStatistics', [x!], { scale }, [
        { shape: x!.shape, dtype: 'float32' },
        { shape: [x!.shape[0]!, 1], dtype: 'float32' },
      ]),
    emit(g, [x = ''], op) {
      const mean = g.node('ReduceMean', [x, g.i64([-1])], { keepdims: 1 });
      const centred = g.node('Mul', [g.node('Sub', [x, mean]), g.scalar(op.attributes['scale'] as number)]);
      return op.wanted(1) ? [centred, mean] : [centred, ''];
    },
  });
  const x = tf.tensor2d([1, 3, 5, 9], [2, 2]);
  const call = (scale: number): [tf.Tensor, tf.Tensor] =>
    tf.engine().runKernel('TestStatistics', { x }, { scale }) as unknown as [tf.Tensor, tf.Tensor];
  const before = compilations();
  const [a, b] = call(2);
  expect(await take(a)).toEqual([-2, 2, -4, 4]);
  expect(await take(b)).toEqual([2, 7]);
  const [c, d] = call(10);
  expect(await take(c)).toEqual([-10, 10, -20, 20]);
  d.dispose();
  expect(compilations() - before).toBe(1);
  const [e, f] = call(1);
  f.dispose();
  expect(await take(e)).toEqual([-1, 1, -2, 2]);
  x.dispose();
});
