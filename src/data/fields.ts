import type { Findings } from './issues';
import type { Example } from './types';

/** Which field of a row is what, and what may stand in it. */
export interface ReadOptions<Label extends string = string> {
  /** The labels that may occur; any other one, or none, is an error. Default: any label, or none. */
  readonly labels?: readonly Label[];
  /** Name of the field with the text. Default `text`. */
  readonly text?: string;
  /** Name of the field with the second text of a pair. Default `pair`, where there is one. */
  readonly pair?: string;
  /** Default `label`, where there is one. */
  readonly label?: string;
  /** Default `id`, where there is one. */
  readonly id?: string;
  /** Default `language`, where there is one. */
  readonly language?: string;
  /** Takes only these rows; the others are not checked. Gets the row as it stands in the file. Default: all. */
  readonly where?: (row: Readonly<Record<string, unknown>>) => boolean;
}

/** Fields that a row must have: those that were named, and what was asked for. */
export const requiredFields = ({ labels, text = 'text', pair, label, id, language }: ReadOptions): string[] =>
  [text, pair, label ?? (labels && 'label'), id, language].filter((name) => name !== undefined);

/** One row of a file as an example; undefined if it is left out or wrong, which goes to `problems`. */
export type ExampleReader<Label extends string> = (
  row: Readonly<Record<string, unknown>>,
  line: number,
) => Example<Label> | undefined;

export function exampleReader<Label extends string>(
  file: string,
  options: ReadOptions<Label>,
  problems: Findings,
): ExampleReader<Label> {
  const { labels, text = 'text', pair = 'pair', label = 'label', id = 'id', language = 'language', where } = options;
  const allowed = labels && new Set<string>(labels);
  const required = new Set(requiredFields(options));

  return (row, line) => {
    if (where && !where(row)) return undefined;
    const before = problems.count;
    const at = `in '${file}' line ${line}`;
    const report = (column: string, message: string) => problems.add({ message, file, line, column });
    const read = (name: string): string | undefined => {
      const value = Object.hasOwn(row, name) ? row[name] : undefined;
      if (typeof value === 'string' && value.trim() !== '') return value;
      if (name === id && typeof value === 'number') return String(value);
      const empty = value === undefined || value === null || typeof value === 'string';
      if (!empty)
        report(
          name,
          `'${name}' ${at} must be a string, got ${Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`}${typeof value === 'number' ? ': put it in quotes' : ''}`,
        );
      else if (required.has(name))
        report(
          name,
          `'${name}' ${at} is ${value === undefined ? `missing; the row has ${Object.keys(row).join(', ') || 'no fields'}` : 'empty'}`,
        );
      return undefined;
    };
    const values = { text: read(text), pair: read(pair), label: read(label), id: read(id), language: read(language) };
    if (values.label !== undefined && allowed && !allowed.has(values.label)) {
      report(label, `label '${values.label}' ${at} is not one of ${[...allowed].join(', ')}; add it or drop the row`);
    }
    if (problems.count > before) return undefined;
    const present = Object.entries(values).filter(([, value]) => value !== undefined);
    return Object.fromEntries(present) as unknown as Example<Label>;
  };
}
