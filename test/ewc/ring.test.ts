import { describe, expect, test } from 'vitest';
import seedrandom from 'seedrandom';
import type { Example } from '../../src/data/types';
import { replay } from '../../src/ewc/replay';
import { ring } from '../../src/ewc/ring';
import { together } from '../../src/ewc/together';
import { headsOf } from '../support/toy';

const heads = headsOf({ a: ['x', 'y'], b: ['z'] });
const [a, b] = heads as [(typeof heads)[0], (typeof heads)[0]];
const model = { head: (name: string) => heads.find((head) => head.name === name)! };
const rows = (label: string, count: number, from = 0): Example[] =>
  Array.from({ length: count }, (_, i) => ({ text: `${label}${from + i}`, label }));
const textsOf = (drawn: readonly { example: Example }[]) => drawn.map(({ example }) => example.text).sort();
const kept = (memory: { draw: ReturnType<typeof ring>['draw'] }) => textsOf(memory.draw(100).draw(seedrandom('0')));

describe('ring', () => {
  test('by hand: the newest two of each label, in the order in which they came', () => {
    const memory = ring({ perLabel: 2 });
    memory.remember([...rows('x', 2), ...rows('y', 1), ...rows('x', 1, 2)], { head: a });
    expect(kept(memory)).toEqual(['x1', 'x2', 'y0']);
    memory.remember([...rows('x', 1, 3), ...rows('y', 5, 1)], { head: a });
    memory.remember(rows('z', 1), { head: b });
    expect(kept(memory)).toEqual(['x2', 'x3', 'y4', 'y5', 'z0']);
    expect([memory.counts(), memory.size]).toEqual([{ a: { x: 2, y: 2 }, b: { z: 1 } }, 5]);
    expect(memory.state().labels[0]).toEqual({ head: 'a', label: 'x', seen: 4, examples: rows('x', 2, 2) });
  });

  test('a size for all: each new label takes the oldest of the others', () => {
    const memory = ring({ size: 7 });
    memory.remember(rows('x', 9), { head: a });
    expect(kept(memory)).toEqual(['x2', 'x3', 'x4', 'x5', 'x6', 'x7', 'x8']);
    memory.remember(rows('y', 9), { head: a });
    expect(kept(memory)).toEqual(['x5', 'x6', 'x7', 'x8', 'y6', 'y7', 'y8']);
    memory.remember(rows('z', 1), { head: b });
    expect(kept(memory)).toEqual(['x6', 'x7', 'x8', 'y7', 'y8', 'z0']);
  });

  test('a state goes through JSON; a smaller memory takes the newest of it', () => {
    const [memory, same, smaller] = [ring({ perLabel: 3 }), ring({ perLabel: 3 }), ring({ perLabel: 1 })];
    memory.remember([...rows('x', 9), ...rows('y', 2)], { head: a });
    const state = JSON.parse(JSON.stringify(memory.state())) as ReturnType<typeof memory.state>;
    for (const other of [same, smaller]) other.restore(state, model);
    expect(same.state()).toEqual(state);
    expect(kept(smaller)).toEqual(['x8', 'y1']);
    for (const one of [memory, same]) one.remember(rows('x', 1, 9), { head: a });
    expect(same.state()).toEqual(memory.state());
  });

  test('reads readers: nothing is changed before all is read, nor if reading fails', async () => {
    async function* reader(fails = false) {
      yield* rows('x', 3);
      if (fails) throw new Error('the disk is gone');
      yield* rows('y', 1);
    }
    const memory = ring({ perLabel: 2 });
    await expect(memory.remember(reader(true), { head: a })).rejects.toThrow('the disk is gone');
    await expect(memory.remember(reader(), { head: b })).rejects.toThrow("ring: label 'x' is not in head 'b'");
    const reading = memory.remember(reader(), { head: a });
    expect([reading instanceof Promise, memory.size]).toEqual([true, 0]);
    await reading;
    await memory.remember(() => rows('y', 1, 1), { head: a });
    expect(kept(memory)).toEqual(['x1', 'x2', 'y0', 'y1']);
  });

  test('limits: perLabel or size 0 and an empty memory give nothing', () => {
    for (const memory of [ring({ perLabel: 0 }), ring({ size: 0 })]) {
      memory.remember(rows('x', 2), { head: a });
      expect([memory.size, kept(memory), memory.state()]).toEqual([0, [], { labels: [] }]);
    }
    expect(kept(ring({ perLabel: 1 }))).toEqual([]);
  });

  test('bad sizes, rows and states are refused and change nothing', () => {
    const memory = ring({ perLabel: 2 });
    memory.remember(rows('x', 2), { head: a });
    const before = memory.state();
    expect(() => memory.remember([...rows('y', 1), { text: 'private' }], { head: a })).toThrow('ring: row 2 has no label');
    expect(() => memory.remember([{ label: 'x' } as unknown as Example], { head: a })).toThrow('ring: row 1 has no text');
    expect(() => memory.restore({ labels: [{ ...before.labels[0]!, label: 'z' }] }, model)).toThrow("'z' is not in head 'a'");
    expect(() => memory.restore({ labels: [{ ...before.labels[0]!, seen: 1 }] }, model)).toThrow(
      "'seen' of label 'x' must be a whole number ≥ 2, got 1",
    );
    expect(memory.state()).toEqual(before);
    expect(() => ring({})).toThrow('ring: give perLabel');
    expect(() => ring({ perLabel: 1, size: 1 })).toThrow('one of the two');
    expect(() => ring({ size: -1 })).toThrow('ring: size must be a whole number ≥ 0, got -1');
  });
});

describe('together', () => {
  const of = (memory: ReturnType<typeof replay>, label: string) => {
    memory.remember(rows(label, 20), { head: a });
    return memory;
  };

  test('the sets of two memories, one after the other, each with its own number of rows', () => {
    const [first, second] = [of(replay({ perLabel: 20 }), 'x'), of(replay({ perLabel: 20 }), 'y')];
    const drawn = together(first.draw(3), second.draw(2)).draw(seedrandom('1'));
    expect(drawn.map(({ example }) => example.label)).toEqual(['x', 'x', 'x', 'y', 'y']);
  });

  test('two sets of one memory are independent: of 20 examples, 10 in each, 5 are in both in the mean', () => {
    const memory = of(replay({ perLabel: 20 }), 'x');
    const random = seedrandom('1');
    const shared = Array.from({ length: 400 }, () => {
      const texts = together(memory.draw(10), memory.draw(10))
        .draw(random)
        .map(({ example }) => example.text);
      return 20 - new Set(texts).size;
    });
    // Hypergeometric: variance 10 · ½ · ½ · 10 / 19 = 1.32, of the mean of 400: standard deviation 0.057
    expect(Math.abs(shared.reduce((sum, one) => sum + one, 0) / 400 - 5)).toBeLessThan(0.25);
  });

  test('limits: of nothing nothing, of one that one', () => {
    const memory = of(replay({ perLabel: 20 }), 'x');
    expect(together().draw(seedrandom('1'))).toEqual([]);
    expect(together(memory.draw(4)).draw(seedrandom('1'))).toEqual(memory.draw(4).draw(seedrandom('1')));
  });
});
