import { describe, expect, test } from 'vitest';
import { isHoldfastError } from '../../src/core/errors';
import { joined, memoryFiles, type Files } from '../../src/model/files';
import { readBytes, readTensorIndex, toFloat32 } from '../../src/model/safetensors';
import { safetensorsParts, type OutgoingTensor } from '../../src/model/writeSafetensors';

const text = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

/** A file by hand: header, then data. */
function file(header: unknown, data: Uint8Array = new Uint8Array()): Uint8Array {
  const json = header instanceof Uint8Array ? header : text(header);
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.byteLength), true);
  return joined([length, json, data]);
}

const folder = (contents: Record<string, Uint8Array>): Files => memoryFiles(new Map(Object.entries(contents)), 'a folder');

async function issuesOf(contents: Record<string, Uint8Array>): Promise<string[]> {
  const error: unknown = await readTensorIndex(folder(contents)).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!isHoldfastError(error)) throw error ?? new Error('it was accepted');
  expect(error.code).toBe('bad-weights');
  return error.issues.map(({ message }) => message);
}

const outgoing = (name: string, shape: number[], values: number[]): OutgoingTensor => ({
  name,
  shape,
  values: () => Promise.resolve(Float32Array.from(values)),
});

async function written(tensors: OutgoingTensor[], precision: 'float32' | 'float16' = 'float32'): Promise<Uint8Array> {
  const files = memoryFiles();
  await files.write('model.safetensors', safetensorsParts(tensors, precision));
  return files.read('model.safetensors');
}

describe('reading', () => {
  test('by hand: float32, float16, bfloat16 and an integer buffer', async () => {
    const data = joined([
      new Uint8Array(Float32Array.of(1.5, -2).buffer),
      new Uint8Array(Uint16Array.of(0x3c00, 0xc000).buffer),
      new Uint8Array(Uint16Array.of(0x3f80, 0xc040).buffer),
      new Uint8Array(BigInt64Array.of(7n).buffer),
    ]);
    const files = folder({
      'model.safetensors': file(
        {
          __metadata__: { format: 'pt' },
          a: { dtype: 'F32', shape: [1, 2], data_offsets: [0, 8] },
          b: { dtype: 'F16', shape: [2], data_offsets: [8, 12] },
          c: { dtype: 'BF16', shape: [2], data_offsets: [12, 16] },
          ids: { dtype: 'I64', shape: [1], data_offsets: [16, 24] },
        },
        data,
      ),
    });
    const index = await readTensorIndex(files);
    expect([...index.keys()]).toEqual(['a', 'b', 'c', 'ids']);
    const valuesOf = async (name: string) => [...toFloat32(await readBytes(files, index.get(name)!), index.get(name)!.dtype)];
    expect(await valuesOf('a')).toEqual([1.5, -2]);
    expect(await valuesOf('b')).toEqual([1, -2]);
    expect(await valuesOf('c')).toEqual([1, -3]);
  });

  test('follows the index of a checkpoint in shards', async () => {
    const files = folder({
      'model.safetensors.index.json': text({ weight_map: { a: 'one.safetensors', b: 'two.safetensors' } }),
      'one.safetensors': await written([outgoing('a', [1], [1])]),
      'two.safetensors': await written([outgoing('b', [1], [2])]),
    });
    const index = await readTensorIndex(files);
    expect(index.get('b')!.file).toBe('two.safetensors');
    expect([...toFloat32(await readBytes(files, index.get('b')!), 'F32')]).toEqual([2]);
  });

  test('a header is padded to 8 bytes, and names keep every character', async () => {
    const bytes = await written([outgoing('größe.weight', [2], [1, 2])]);
    const index = await readTensorIndex(folder({ 'model.safetensors': bytes }));
    expect(index.get('größe.weight')!.start % 8).toBe(0);
  });
});

describe('a damaged file is refused, with what is wrong', () => {
  const entry = (from: number, to: number, shape = [(to - from) / 4]) => ({ dtype: 'F32', shape, data_offsets: [from, to] });
  const one = (header: unknown, bytes = 8) => ({ 'model.safetensors': file(header, new Uint8Array(bytes)) });

  test.each([
    ['no header', { 'model.safetensors': Uint8Array.of(1, 2) }, 'is cut off: 2 bytes, not even a header'],
    [
      'another format',
      { 'model.safetensors': new Uint8Array(16).fill(0x50) },
      /^is not a safetensors file: it claims a header of \d+ bytes$/,
    ],
    [
      'a header cut off',
      { 'model.safetensors': file(text({ a: entry(0, 8) })).subarray(0, 20) },
      /^is cut off: 20 bytes, but the header alone takes/,
    ],
    ['no JSON', one(new TextEncoder().encode('{"a": ')), /^is not a safetensors file: its header is not valid JSON/],
    ['data cut off', one({ a: entry(0, 12) }), /^is cut off: tensor 'a' ends at byte \d+, the file at \d+$/],
    ['an overlap', one({ a: entry(0, 8), b: entry(4, 8) }), "tensor 'b' overlaps the one before it"],
    ['a hole', one({ a: entry(0, 4), b: entry(8, 12) }, 12), "there are 4 unused bytes before tensor 'b'"],
    ['more data', one({ a: entry(0, 4) }), '4 bytes follow after the last tensor'],
    ['a shape of another size', one({ a: entry(0, 8, [3]) }), "tensor 'a': [3] of F32 takes 12 bytes, its data_offsets span 8"],
    ['an unknown type', one({ a: { ...entry(0, 8), dtype: 'Q4' } }), `tensor 'a': unknown dtype "Q4"`],
    ['a negative offset', one({ a: entry(-4, 4) }), "tensor 'a': bad data_offsets [-4,4]"],
    [
      'a missing shard',
      { 'model.safetensors.index.json': text({ weight_map: { a: 'one.safetensors' } }) },
      'the shard is missing',
    ],
    [
      'a shard elsewhere',
      { 'model.safetensors.index.json': text({ weight_map: { a: '../one.safetensors' } }) },
      'weight_map must map tensor names to files beside it',
    ],
  ])('%s', async (_, contents, message) => {
    expect(await issuesOf(contents)).toEqual([message instanceof RegExp ? expect.stringMatching(message) : message]);
  });

  test('all of it at once', async () => {
    expect(await issuesOf(one({ a: entry(0, 8, [3]), b: { dtype: 'Q4', shape: [], data_offsets: [0, 0] } }))).toHaveLength(2);
  });

  test('a folder with another format says how to convert it', async () => {
    await expect(readTensorIndex(folder({ 'pytorch_model.bin': new Uint8Array(1) }))).rejects.toThrow(
      /'pytorch_model.bin' is another format: convert it/,
    );
  });
});

describe('writing', () => {
  test('float32 keeps every bit, float16 rounds', async () => {
    const values = [0.1, -1e-20, 3.14159];
    for (const [precision, wanted] of [
      ['float32', values.map(Math.fround)],
      ['float16', [0.0999755859375, -0, 3.140625]],
    ] as const) {
      const files = folder({ 'model.safetensors': await written([outgoing('a', [3], values)], precision) });
      const entry = (await readTensorIndex(files)).get('a')!;
      expect([...toFloat32(await readBytes(files, entry), entry.dtype)]).toEqual(wanted);
    }
  });

  test('what is written does not change with its source', async () => {
    const values = Float32Array.of(1, 2);
    const tensor = { name: 'a', shape: [2], values: () => Promise.resolve(values) };
    const bytes = await written([tensor]);
    values.fill(9);
    const files = folder({ 'model.safetensors': bytes });
    expect([...toFloat32(await readBytes(files, (await readTensorIndex(files)).get('a')!), 'F32')]).toEqual([1, 2]);
  });
});
