import { exampleReader, type ReadOptions } from './fields';
import { findings } from './issues';
import { linesOf } from './lines';
import type { Example } from './types';

/**
 * Examples from a JSONL file: one JSON object per line, `{"text": "…", "label": "…"}`.
 *
 * The file is opened anew by each loop, read as a stream, and unpacked if its name ends with `.gz`. Empty lines, a byte order
 * mark and CRLF are fine. After the first problem no more rows come; the rest is checked, and one error names all problems.
 *
 * **Limits** for Node. **See also** `readCsv`, `readTsv`, `batches`.
 *
 * @param path relative to the working directory
 * @throws HoldfastError while reading: `not-found`; `bad-data` with the issues, each with file, line and field
 * @example
 * const labels = ['invoice', 'refund'] as const;
 * for await (const { text, label } of readJsonl('billing.jsonl', { labels })) console.log(label, text);
 */
export const readJsonl = <const Label extends string = string>(
  path: string,
  options: ReadOptions<Label> = {},
): AsyncIterable<Example<Label>> => ({
  [Symbol.asyncIterator]: () => examplesOf(path, options),
});

async function* examplesOf<Label extends string>(
  file: string,
  options: ReadOptions<Label>,
): AsyncGenerator<Example<Label>, void> {
  const problems = findings();
  const read = exampleReader(file, options, problems);
  for await (const { number: line, text, valid } of linesOf(file)) {
    if (text.trim() === '') continue;
    const report = (what: string) => problems.add({ message: `line ${line} of '${file}' ${what}`, file, line });
    if (!valid) {
      report('is not UTF-8 text: save the file as UTF-8');
      continue;
    }
    let row: unknown;
    try {
      row = JSON.parse(text);
    } catch (cause) {
      report(`is not valid JSON: ${reason(cause)}`);
      continue;
    }
    if (typeof row !== 'object' || row === null || Array.isArray(row)) {
      report(`must be a JSON object, got ${Array.isArray(row) ? 'an array' : row === null ? 'null' : `a ${typeof row}`}`);
      continue;
    }
    const example = read(row as Record<string, unknown>, line);
    if (example && problems.count === 0) yield example;
  }
  problems.throwIfAny('bad-data', `'${file}' cannot be used`);
}

/** The parser quotes the text, which may be personal: only what it says of the position and the kind is kept. */
const reason = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).replace(/,?\s*(\.\.\.)?".*$/s, '');
