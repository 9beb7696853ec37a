import { HoldfastError } from '../core/errors';
import { nodeModule } from '../core/nodeModule';
import { exampleReader, requiredFields, type ReadOptions } from './fields';
import { findings } from './issues';
import { linesOf, type Line } from './lines';
import type { Example } from './types';

/** Not a literal where it is imported: bundlers for the browser would follow it into Node's streams. */
const PACKAGE = 'csv-parse';

export interface TableOptions<Label extends string = string> extends ReadOptions<Label> {
  /** Names of the columns, for a file without a header. Default: the first line names them. */
  readonly columns?: readonly string[];
}

/**
 * Examples from a CSV file: comma, fields with commas or line breaks in double quotes (RFC 4180); the first line names the columns.
 *
 * Opened anew by each loop, streamed, `.gz` unpacked; problems are collected as in `readJsonl`. Empty optional fields count as absent.
 *
 * **Limits** for Node. A broken quote ends the file: what follows cannot be told apart.
 *
 * @throws HoldfastError while reading: `not-found`; `bad-data` with the issues, each with file, line and column
 * @example
 * const rows = readCsv('tickets.csv', { text: 'subject', label: 'team', labels: ['billing', 'shipping'] });
 */
export const readCsv = <const Label extends string = string>(
  path: string,
  options: TableOptions<Label> = {},
): AsyncIterable<Example<Label>> => ({
  [Symbol.asyncIterator]: () => examplesOf(path, options, { delimiter: ',', quote: '"' }),
});

/**
 * Examples from a TSV file: tabs between the columns and no quoting, so a quote is a character like any other; otherwise as `readCsv`.
 *
 * @throws HoldfastError while reading: `not-found`; `bad-data` with the issues, each with file, line and column
 * @example
 * const pairs = readTsv('rte.tsv', { columns: ['text', 'pair', 'label'] });
 */
export const readTsv = <const Label extends string = string>(
  path: string,
  options: TableOptions<Label> = {},
): AsyncIterable<Example<Label>> => ({
  [Symbol.asyncIterator]: () => examplesOf(path, options, { delimiter: '\t', quote: false }),
});

interface Parsed {
  readonly record: readonly string[];
  readonly info: { readonly lines: number };
}

async function* examplesOf<Label extends string>(
  file: string,
  options: TableOptions<Label>,
  dialect: { readonly delimiter: string; readonly quote: string | false },
): AsyncGenerator<Example<Label>, void> {
  const problems = findings();
  const read = exampleReader(file, options, problems);
  let columns = options.columns && checkedColumns(file, options.columns, options);
  const [{ parse }, { pipeline, Readable }] = await Promise.all([
    import(/* @vite-ignore */ /* webpackIgnore: true */ PACKAGE) as Promise<typeof import('csv-parse')>,
    nodeModule<typeof import('node:stream')>('node:stream'),
  ]);
  const lines = async function* () {
    for await (const line of linesOf(file)) {
      if (!line.valid) problems.add(notUtf8(file, line));
      yield `${line.text}\n`;
    }
  };
  const records = pipeline(
    Readable.from(lines()),
    parse({ ...dialect, info: true, relax_column_count: true, skip_empty_lines: true, record_delimiter: '\n' }),
    () => {}, // Errors reach the loop.
  ) as AsyncIterable<Parsed>;
  try {
    for await (const { record, info } of records) {
      if (!columns) {
        columns = checkedColumns(file, record, options);
        continue;
      }
      const line = info.lines - newlinesIn(record);
      if (record.length !== columns.length) {
        problems.add({
          message: `line ${line} of '${file}' has ${count(record.length)}, expected ${columns.length} (${columns.join(', ')})`,
          file,
          line,
        });
        continue;
      }
      const example = read(Object.fromEntries(columns.map((name, c) => [name, record[c]])), line);
      if (example && problems.count === 0) yield example;
    }
  } catch (cause) {
    const { code, lines: line } = cause as { readonly code?: string; readonly lines?: number };
    if (!code?.startsWith('CSV_') && !code?.startsWith('INVALID_')) throw cause;
    problems.add({
      message: `'${file}' cannot be read further than line ${line ?? '?'}: ${brokenQuote(code)}`,
      file,
      ...(line !== undefined && { line }),
    });
  }
  problems.throwIfAny('bad-data', `'${file}' cannot be used`);
  if (!columns) throw new HoldfastError('bad-data', `'${file}' is empty: expected a first line with the names of the columns.`);
}

/** Refuses at once what no row can have. */
function checkedColumns(file: string, columns: readonly string[], options: ReadOptions): readonly string[] {
  const problems = findings();
  const there = `the columns are ${columns.join(', ')}`;
  for (const name of requiredFields(options)) {
    if (!columns.includes(name))
      problems.add({
        message: `'${file}' has no column '${name}'; ${there}. Name yours, as in { text: 'subject' }.`,
        file,
        line: 1,
        column: name,
      });
  }
  const twice = columns.find((name, c) => columns.indexOf(name) !== c);
  if (twice !== undefined)
    problems.add({ message: `'${file}' has the column '${twice}' twice; ${there}`, file, line: 1, column: twice });
  problems.throwIfAny('bad-data', `'${file}' cannot be used`);
  return columns;
}

const notUtf8 = (file: string, { number: line }: Line) => ({
  message: `line ${line} of '${file}' is not UTF-8 text: save the file as UTF-8`,
  file,
  line,
});
const newlinesIn = (record: readonly string[]): number => record.reduce((sum, field) => sum + field.split('\n').length - 1, 0);
const count = (columns: number): string => `${columns} ${columns === 1 ? 'column' : 'columns'}`;
const brokenQuote = (code: string): string =>
  code === 'CSV_QUOTE_NOT_CLOSED'
    ? 'a double quote is opened and not closed'
    : 'a double quote stands where none may: write it twice inside a quoted field';
