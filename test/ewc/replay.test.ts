import { describe, expect, test } from 'vitest';
import seedrandom from 'seedrandom';
import type { Example } from '../../src/data/types';
import { replay } from '../../src/ewc/replay';
import { headsOf } from '../support/toy';

const heads = headsOf({ a: ['x', 'y'], b: ['z'] });
const [a, b] = heads as [(typeof heads)[0], (typeof heads)[0]];
const model = { head: (name: string) => heads.find((head) => head.name === name)! };
const rows = (label: string, count: number, from = 0): Example[] =>
  Array.from({ length: count }, (_, i) => ({ text: `${label}${from + i}`, label }));
const textsOf = (drawn: readonly { example: Example }[]) => drawn.map(({ example }) => example.text);

describe('replay', () => {
  test('keeps perLabel examples of each label, and says how many', () => {
    const memory = replay({ perLabel: 3 });
    memory.remember([...rows('x', 20), ...rows('y', 2)], { head: a });
    memory.remember(rows('z', 5), { head: b });
    expect(memory.counts()).toEqual({ a: { x: 3, y: 2 }, b: { z: 3 } });
    expect(memory.size).toBe(8);
  });

  test('one seed keeps the same examples, another one others', () => {
    const kept = (seed: number) => {
      const memory = replay({ perLabel: 3, seed });
      memory.remember(rows('x', 50), { head: a });
      return textsOf(memory.draw(3).draw(seedrandom('0'))).sort();
    };
    expect(kept(1)).toEqual(kept(1));
    expect(kept(1)).not.toEqual(kept(2));
  });

  test('is a reservoir: over many seeds the early and the late examples stay equally often', () => {
    const times = new Map<string, number>();
    for (let seed = 0; seed < 600; seed++) {
      const memory = replay({ perLabel: 2, seed });
      memory.remember(rows('x', 4), { head: a });
      memory.remember(rows('x', 4, 4), { head: a });
      for (const text of textsOf(memory.draw(2).draw(Math.random))) times.set(text, (times.get(text) ?? 0) + 1);
    }
    // 600 · 2 / 8 = 150 each, standard deviation 10.6
    expect(times.size).toBe(8);
    for (const count of times.values()) expect(Math.abs(count - 150)).toBeLessThan(45);
  });

  test('draws without repeats and evenly over the labels', () => {
    const memory = replay({ perLabel: 10 });
    memory.remember([...rows('x', 10), ...rows('y', 10)], { head: a });
    memory.remember(rows('z', 10), { head: b });
    const random = seedrandom('1');
    for (let i = 0; i < 20; i++) {
      const drawn = memory.draw(7).draw(random);
      expect(new Set(textsOf(drawn)).size).toBe(7);
      const counts = ['x', 'y', 'z'].map((label) => drawn.filter(({ example }) => example.label === label).length).sort();
      expect(counts).toEqual([2, 2, 3]);
      for (const { example, head } of drawn) expect(head.columnOf(example.label!)).toBeDefined();
    }
  });

  test('over many draws every example comes up', () => {
    const memory = replay({ perLabel: 5 });
    memory.remember([...rows('x', 5), ...rows('y', 5)], { head: a });
    const random = seedrandom('1');
    const seen = new Set(Array.from({ length: 60 }, () => textsOf(memory.draw(2).draw(random))).flat());
    expect(seen.size).toBe(10);
  });

  test('limits: nothing from an empty memory or perLabel 0, everything if more is asked than there is', () => {
    expect(replay({ perLabel: 5 }).draw(32).draw(Math.random)).toEqual([]);
    const none = replay({ perLabel: 0 });
    none.remember(rows('x', 5), { head: a });
    expect([none.size, none.draw(32).draw(Math.random)]).toEqual([0, []]);
    const few = replay({ perLabel: 5 });
    few.remember(rows('x', 3), { head: a });
    expect(few.draw(32).draw(Math.random)).toHaveLength(3);
  });

  test('a state goes through JSON and continues as if never interrupted', () => {
    const [whole, first] = [replay({ perLabel: 3, seed: 4 }), replay({ perLabel: 3, seed: 4 })];
    for (const memory of [whole, first]) memory.remember(rows('x', 9), { head: a });
    const second = replay({ perLabel: 3 });
    second.restore(JSON.parse(JSON.stringify(first.state())) as ReturnType<typeof first.state>, model);
    for (const memory of [whole, second]) memory.remember([...rows('x', 30, 9), ...rows('y', 9)], { head: a });
    expect(second.state()).toEqual(whole.state());
    expect(second.draw(4).draw(seedrandom('2'))).toEqual(whole.draw(4).draw(seedrandom('2')));
  });

  test('memories are copies: neither the examples nor a state can change them', () => {
    const memory = replay({ perLabel: 1 });
    const row = { text: 'before', label: 'x' };
    memory.remember([row], { head: a });
    row.text = 'after';
    (memory.state().labels[0]!.examples[0] as { text: string }).text = 'after';
    expect(textsOf(memory.draw(1).draw(Math.random))).toEqual(['before']);
  });

  test('a size for all is shared by the labels seen so far; with more labels than places the first have one each', () => {
    const memory = replay({ size: 5 });
    memory.remember(rows('x', 9), { head: a });
    expect(memory.counts()).toEqual({ a: { x: 5 } });
    memory.remember([...rows('y', 9), ...rows('x', 3, 9)], { head: a });
    expect(memory.counts()).toEqual({ a: { x: 3, y: 2 } });
    memory.remember(rows('z', 1), { head: b });
    expect([memory.counts(), memory.size]).toEqual([{ a: { x: 2, y: 2 }, b: { z: 1 } }, 5]);
    const tight = replay({ size: 2 });
    tight.remember([...rows('x', 4), ...rows('y', 4)], { head: a });
    tight.remember(rows('z', 4), { head: b });
    expect(tight.counts()).toEqual({ a: { x: 1, y: 1 }, b: { z: 0 } });
    expect(textsOf(tight.draw(9).draw(seedrandom('1')))).toHaveLength(2);
  });

  test('a share that shrinks is still a reservoir: early and late examples stay equally often', () => {
    const times = new Map<string, number>();
    for (let seed = 0; seed < 600; seed++) {
      const memory = replay({ size: 6, seed });
      memory.remember(rows('x', 8), { head: a });
      memory.remember(rows('y', 1), { head: a });
      memory.remember(rows('x', 4, 8), { head: a });
      for (const { text } of memory.state().labels[0]!.examples) times.set(text, (times.get(text) ?? 0) + 1);
    }
    // 600 · 3 / 12 = 150 each, standard deviation 10.6
    expect(times.size).toBe(12);
    for (const count of times.values()) expect(Math.abs(count - 150)).toBeLessThan(45);
  });

  test('a state of a shared memory continues as if never interrupted', () => {
    const [whole, first, second] = [replay({ size: 7, seed: 4 }), replay({ size: 7, seed: 4 }), replay({ size: 7 })];
    for (const memory of [whole, first]) memory.remember([...rows('x', 9), ...rows('y', 9)], { head: a });
    second.restore(JSON.parse(JSON.stringify(first.state())) as ReturnType<typeof first.state>, model);
    for (const memory of [whole, second]) memory.remember(rows('z', 9), { head: b });
    expect(second.state()).toEqual(whole.state());
    expect(() => replay({ size: 6 }).restore(first.state(), model)).toThrow("4 examples of 'x', more than its share of size 6");
  });

  test('a reader gives the same memory as an array, once it is read', async () => {
    async function* reader() {
      yield* rows('x', 30);
    }
    const [read, given] = [replay({ perLabel: 3, seed: 2 }), replay({ perLabel: 3, seed: 2 })];
    await read.remember(reader(), { head: a });
    given.remember(rows('x', 30), { head: a });
    expect(read.state()).toEqual(given.state());
  });

  test('bad rows and states are refused and change nothing; the message does not quote the text', () => {
    const memory = replay({ perLabel: 2 });
    memory.remember(rows('x', 2), { head: a });
    const before = memory.state();
    expect(() => memory.remember([...rows('y', 1), { text: 'private', label: 'z' }], { head: a })).toThrow(
      "label 'z' is not in head 'a', which has 'x', 'y'",
    );
    expect(() => memory.remember([{ text: 'private' }], { head: a })).toThrow('row 1 has no label');
    expect(() => memory.restore({ ...before, labels: [{ head: 'b', label: 'x', seen: 1, examples: [] }] }, model)).toThrow(
      "not in head 'b'",
    );
    expect(() =>
      memory.restore({ ...before, labels: [{ head: 'a', label: 'x', seen: 3, examples: rows('x', 3) }] }, model),
    ).toThrow('more than perLabel 2');
    expect(() => replay({ perLabel: 1.5 })).toThrow('perLabel must be a whole number ≥ 0, got 1.5');
    expect(() => memory.draw(-1)).toThrow('must be a whole number ≥ 0, got -1');
    expect(memory.state()).toEqual(before);
  });
});
