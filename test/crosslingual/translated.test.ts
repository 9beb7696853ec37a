import { describe, expect, expectTypeOf, test } from 'vitest';
import type { Encoded } from '../../src/core/types';
import { byId } from '../../src/crosslingual/byId';
import { translated } from '../../src/crosslingual/translated';
import { batches } from '../../src/data/batches';
import { disposeBatch } from '../../src/data/disposeBatch';
import { failure } from '../support/failure';
import { toy } from '../support/toy';

const rows = [
  { text: 'a', label: 'x', views: { positive: { text: 'b' } } },
  { text: 'b', pair: 'a', label: 'x', views: { positive: { text: 'a' } } },
];
const shouted = async (text: string) => text.toUpperCase();
const noWait = async () => {};

describe('translated', () => {
  test('each text once, both of a pair; other views and fields stay', async () => {
    const calls: string[] = [];
    const translate = async (text: string) => {
      calls.push(text);
      return text.toUpperCase();
    };
    const got = await translated(rows, { translate });
    expect(got).toEqual([
      { ...rows[0], views: { positive: { text: 'b' }, translation: { text: 'A' } } },
      { ...rows[1], views: { positive: { text: 'a' }, translation: { text: 'B', pair: 'A' } } },
    ]);
    expect(calls.sort()).toEqual(['a', 'b']);
    expect((await translated([{ text: 'a' }], { translate, view: 'back' }))[0]!.views.back).toEqual({ text: 'A' });
  });

  test('a view for batches, by its name', async () => {
    const model = toy();
    const data = batches(await translated([{ text: '1 2' }], { translate: async () => '3 4 5' }));
    for await (const batch of data.open({ model, seed: 1, epoch: 0 })) {
      expectTypeOf(batch.translation).toEqualTypeOf<Encoded>();
      expect([...(await batch.translation.ids.data())]).toEqual([3, 4, 5]);
      disposeBatch(batch);
    }
    model.dispose();
  });

  test('never more at once than it may', async () => {
    const many = Array.from({ length: 10 }, (_, i) => ({ text: `${i}` }));
    let [now, most] = [0, 0];
    const translate = async (text: string) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 1));
      now--;
      return text;
    };
    await translated(many, { translate, concurrency: 3 });
    expect(most).toBe(3);
  });

  test('tries again, and waits twice as long each time', async () => {
    const waited: number[] = [];
    let left = 2;
    const translate = async (text: string) => {
      if (left-- > 0) throw new Error('busy');
      return text;
    };
    const wait = async (milliseconds: number) => void waited.push(milliseconds);
    expect(await translated([{ text: 'a' }], { translate, wait, backoff: 5 })).toHaveLength(1);
    expect(waited).toEqual([5, 10]);
    left = 2;
    expect((await failure(translated([{ text: 'a' }], { translate, wait, retries: 1 }))).message).toContain('row 1: Error: busy');
  });

  test('a failure names rows, ids and cause, not the texts; what is done stays in the cache', async () => {
    const secrets = ['a', 'secret', 'c', 'd', 'secret'].map((text, i) => ({ text, id: `r${i}` }));
    const cache = new Map<string, string>();
    const cause = new Error('refused');
    const calls: string[] = [];
    const translate = async (text: string) => {
      calls.push(text);
      if (text === 'secret') throw cause;
      return text.toUpperCase();
    };
    const error = await failure(translated(secrets, { translate, cache, concurrency: 1, retries: 0 }));
    expect([error.code, error.cause]).toEqual(['bad-data', cause]);
    expect(error.issues.map(({ message }) => message)).toEqual(["row 2 ('r1'): Error: refused", "row 5 ('r4'): Error: refused"]);
    expect(error.message).toContain('1 of 4 texts are translated and in the cache');
    expect(error.message).not.toContain('secret');
    expect([...cache]).toEqual([['a', 'A']]);
    expect(calls).toEqual(['a', 'secret']);
    expect(await translated(secrets, { translate: shouted, cache })).toHaveLength(5);
    expect(cache.get('secret')).toBe('SECRET');
  });

  test('what is under way when another fails is kept', async () => {
    const cache = new Map<string, string>();
    const translate = async (text: string) => {
      if (text === 'b') throw new Error('no');
      await new Promise((resolve) => setTimeout(resolve, 2));
      return text;
    };
    await failure(translated([{ text: 'a' }, { text: 'b' }, { text: 'c' }], { translate, cache, concurrency: 2, retries: 0 }));
    expect([...cache.keys()]).toEqual(['a']);
  });

  test('an asynchronous cache that knows all asks nobody', async () => {
    const cache = { get: async (text: string) => `kept ${text}`, set: () => expect.fail('nothing is new') };
    const [row] = await translated([{ text: 'a' }], { translate: async () => expect.fail('asked'), cache });
    expect(row!.views.translation).toEqual({ text: 'kept a' });
  });

  test('no text is a failure; so is a signal', async () => {
    const given = (value: unknown) => ({ translate: async () => value as string, wait: noWait });
    expect((await failure(translated([{ text: 'a' }], given('')))).message).toContain('the translator gave an empty text');
    expect((await failure(translated([{ text: 'a' }], given(7)))).message).toContain('the translator gave no text but number');
    const stop = new AbortController();
    const translate = async (text: string) => {
      stop.abort();
      return text;
    };
    const cache = new Map<string, string>();
    const options = { translate, cache, concurrency: 1, signal: stop.signal };
    expect((await failure(translated([{ text: 'a' }, { text: 'b' }], options))).code).toBe('aborted');
    expect([...cache.keys()]).toEqual(['a']);
    expect((await failure(translated(rows, { translate: shouted, concurrency: 0 }))).message).toContain('concurrency must be');
  });
});

describe('byId', () => {
  const german = [{ id: '2', text: 'zwei' }, { id: '1', text: 'eins', pair: 'I' }, { id: '9', text: 'neun' }]; // prettier-ignore

  test('joins in the order of the examples', async () => {
    const english = [{ id: '1', text: 'one', pair: 'i', label: 'x' as const }, { id: '2', text: 'two', label: 'x' as const }]; // prettier-ignore
    const got = await byId(english, german);
    expectTypeOf(got[0]!.label).toEqualTypeOf<'x'>();
    expect(got).toEqual([
      { ...english[0], views: { translation: { text: 'eins', pair: 'I' } } },
      { ...english[1], views: { translation: { text: 'zwei' } } },
    ]);
    expect((await byId([{ id: '2', text: 'two' }], german, { view: 'german' }))[0]!.views.german.text).toBe('zwei');
  });

  test('all that is wrong is named', async () => {
    const wrong = [{ text: 'none' }, { id: '1', text: 'one' }, { id: '1', text: 'again' }, { id: '7', text: 'seven' }];
    const { code, issues } = await failure(byId(wrong, german));
    expect(code).toBe('bad-data');
    expect(issues.map(({ message }) => message)).toEqual([
      'row 1 of the examples has no id',
      "row 3 of the examples has the id '1', as one before it",
      "no translation has the id '7'",
    ]);
  });
});
