import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, expectTypeOf, test } from 'vitest';
import { isHoldfastError } from '../../src/core/errors';
import { readCsv, readJsonl, readTsv, type Example } from '../../src/data';

const folder = mkdtempSync(path.join(tmpdir(), 'holdfast-readers-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const file = (content: string | Uint8Array, ending = '.txt'): string => {
  const name = path.join(folder, `${files++}${ending}`);
  writeFileSync(name, content);
  return name;
};
const all = async <T>(source: AsyncIterable<T>): Promise<T[]> => {
  const rows: T[] = [];
  for await (const row of source) rows.push(row);
  return rows;
};
const failure = async (source: AsyncIterable<unknown>) => {
  const error: unknown = await all(source).then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!isHoldfastError(error)) throw new Error(`expected a HoldfastError, got ${String(error)}`);
  return error;
};
const labels = ['invoice', 'refund'] as const;

describe('readJsonl', () => {
  test('rows, with the labels in the type', async () => {
    const source = readJsonl(
      file('{"text":"a","label":"invoice","id":7,"language":"en","extra":1}\n{"text":"b","label":"refund","pair":"c"}'),
      { labels },
    );
    expectTypeOf(source).toEqualTypeOf<AsyncIterable<Example<'invoice' | 'refund'>>>();
    expect(await all(source)).toEqual([
      { text: 'a', label: 'invoice', id: '7', language: 'en' },
      { text: 'b', label: 'refund', pair: 'c' },
    ]);
  });

  test('can be read again', async () => {
    const source = readJsonl(file('{"text":"a"}\n'));
    expect(await all(source)).toEqual([{ text: 'a' }]);
    expect(await all(source)).toEqual([{ text: 'a' }]);
  });

  test('a byte order mark, CRLF, empty lines, a missing last line feed', async () => {
    expect(await all(readJsonl(file('\ufeff{"text":"a"}\r\n\r\n   \n{"text":"b\u2028c"}\r\n{"text":"d"}')))).toEqual([
      { text: 'a' },
      { text: 'b\u2028c' },
      { text: 'd' },
    ]);
  });

  test('other names, and only some rows', async () => {
    const source = readJsonl(
      file('{"question":"a","intent":"x","domain":"bank"}\n{"question":"b","intent":"y","domain":"car"}'),
      { text: 'question', label: 'intent', where: ({ domain }) => domain === 'car' },
    );
    expect(await all(source)).toEqual([{ text: 'b', label: 'y' }]);
  });

  test('gzip, and lines longer than what is read at a time', async () => {
    const long = 'ü'.repeat(200_000);
    const lines = `{"text":"${long}"}\n{"text":"b"}\n`;
    expect(await all(readJsonl(file(gzipSync(lines), '.jsonl.gz')))).toEqual([{ text: long }, { text: 'b' }]);
    expect(await all(readJsonl(file(lines)))).toEqual([{ text: long }, { text: 'b' }]);
  });

  test('names every problem with file and line, and gives no row after the first', async () => {
    const name = file(
      '{"text":"a","label":"invoice"}\n{"text":"b","label":"return"}\n{"text":"secret\n\n[1]\n{"label":"refund"}\n{"text":5,"label":"refund"}\n{"text":" ","label":"refund"}\n{"text":"c"}\n',
    );
    const got: unknown[] = [];
    const error = await failure(
      (async function* () {
        for await (const row of readJsonl(name, { labels })) {
          got.push(row);
          yield row;
        }
      })(),
    );
    expect(got).toEqual([{ text: 'a', label: 'invoice' }]);
    expect(error.code).toBe('bad-data');
    expect(error.issues.map(({ line, column }) => [line, column])).toEqual([
      [2, 'label'],
      [3, undefined],
      [5, undefined],
      [6, 'text'],
      [7, 'text'],
      [8, 'text'],
      [9, 'label'],
    ]);
    expect(error.issues.every((issue) => issue.file === name)).toBe(true);
    expect(error.issues.map(({ message }) => message.replaceAll(`'${name}'`, 'F'))).toEqual([
      "label 'return' in F line 2 is not one of invoice, refund; add it or drop the row",
      expect.stringMatching(/^line 3 of F is not valid JSON: /),
      'line 5 of F must be a JSON object, got an array',
      "'text' in F line 6 is missing; the row has label",
      "'text' in F line 7 must be a string, got a value of type number: put it in quotes",
      "'text' in F line 8 is empty",
      "'label' in F line 9 is missing; the row has text",
    ]);
    expect(error.message).toContain('7 problems');
    expect(error.message).not.toContain('secret');
  });

  test('a field that was named must be there', async () => {
    const error = await failure(readJsonl(file('{"text":"a"}'), { pair: 'hypothesis' }));
    expect(error.issues[0]!.message).toContain("'hypothesis' in");
  });

  test('bytes that are not UTF-8', async () => {
    const error = await failure(readJsonl(file(Buffer.from('{"text":"a"}\n{"text":"caf\xe9"}\n', 'latin1'))));
    expect(error.issues).toEqual([expect.objectContaining({ line: 2, message: expect.stringContaining('is not UTF-8 text') })]);
  });

  test('no such file, a folder, a gzip file that was cut', async () => {
    expect(await failure(readJsonl('nowhere.jsonl'))).toMatchObject({
      code: 'not-found',
      message: expect.stringContaining("no file 'nowhere.jsonl'"),
    });
    expect(await failure(readJsonl(folder))).toMatchObject({
      code: 'bad-data',
      message: expect.stringContaining('cannot be read'),
    });
    const whole = gzipSync('{"text":"a"}\n'.repeat(1000));
    expect(await failure(readJsonl(file(whole.subarray(0, whole.length - 12), '.gz')))).toMatchObject({
      code: 'bad-data',
      message: expect.stringContaining('not a complete gzip file'),
    });
  });

  test('stopping early closes the file', async () => {
    const name = file(gzipSync('{"text":"a"}\n'.repeat(100_000)), '.gz');
    for (let i = 0; i < 50; i++) for await (const row of readJsonl(name)) if (row.text) break;
    const { readdirSync, readlinkSync } = await import('node:fs');
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (process.platform !== 'linux') return;
    const open = readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`) === name;
      } catch {
        return false;
      }
    });
    expect(open).toEqual([]);
  });
});

describe('readCsv', () => {
  test('quotes, commas, line breaks and empty fields', async () => {
    const source = readCsv(file('\ufefftext,label,pair\r\n"a, ""b""",invoice,\r\n\r\n"two\nlines",refund,c\r\n'), { labels });
    expectTypeOf(source).toEqualTypeOf<AsyncIterable<Example<'invoice' | 'refund'>>>();
    expect(await all(source)).toEqual([
      { text: 'a, "b"', label: 'invoice' },
      { text: 'two\nlines', label: 'refund', pair: 'c' },
    ]);
  });

  test('lines are those of the file, also after a field of several', async () => {
    const error = await failure(
      readCsv(file('text,label\n"two\nlines",invoice\n\n"three\n\nlines",return\nc\nd,refund,x\n'), { labels }),
    );
    expect(error.issues.map(({ line }) => line)).toEqual([5, 8, 9]);
    expect(error.issues[1]!.message).toMatch(/^line 8 of '.*' has 1 column, expected 2 \(text, label\)$/);
  });

  test('a column that is not there, named at once', async () => {
    const error = await failure(readCsv(file('subject,team\na,b\n'), { labels: ['b'] }));
    expect(error.issues.map(({ column, line }) => [column, line])).toEqual([
      ['text', 1],
      ['label', 1],
    ]);
    expect(error.message).toContain('the columns are subject, team');
    expect(await all(readCsv(file('subject,team\na,b\n'), { text: 'subject', label: 'team' }))).toEqual([
      { text: 'a', label: 'b' },
    ]);
  });

  test('a broken quote', async () => {
    const open = await failure(readCsv(file('text\na\n"b\nc\n')));
    expect(open).toMatchObject({ code: 'bad-data' });
    expect(open.message).toContain('a double quote is opened and not closed');
    const inside = await failure(readCsv(file('text\na\nb "c" d\ne\n')));
    expect(inside.issues[0]).toMatchObject({ line: 3, message: expect.stringContaining('write it twice inside a quoted field') });
  });

  test('the same column twice; an empty file', async () => {
    expect((await failure(readCsv(file('text,text\na,b\n')))).message).toContain("has the column 'text' twice");
    expect((await failure(readCsv(file('')))).message).toContain('is empty');
  });
});

describe('readTsv', () => {
  test('no quoting, with or without a header', async () => {
    expect(await all(readTsv(file('text\tlabel\n"a\t5" x\n'), {}))).toEqual([{ text: '"a', label: '5" x' }]);
    expect(await all(readTsv(file(gzipSync('a\tb c\n'), '.tsv.gz'), { columns: ['text', 'pair'] }))).toEqual([
      { text: 'a', pair: 'b c' },
    ]);
  });
});
