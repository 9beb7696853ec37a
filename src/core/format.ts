/** Text and numbers in rows and columns; null is an empty cell. */
export interface Table {
  readonly title?: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  /** Lines below the table. */
  readonly notes?: readonly string[];
}

export type Cell = string | number | boolean | null | undefined;

/**
 * Prints a result as plain text with aligned columns: an accuracy matrix, what `evaluate` returned, a list of records.
 *
 * What has a `table()` is printed by it; a list of records has one row per record; a record of records one row per name; any other
 * record one row per entry. In a column with fractions every number gets three digits. Nested lists and records inside a row are left out.
 *
 * @example
 * console.log(format([{ method: 'naive', final: 0.666 }, { method: 'ewc', final: 0.877 }]));
 */
export function format(value: unknown): string {
  if (hasTable(value)) return printed(value.table());
  if (Array.isArray(value) && value.length > 0 && value.every(isRecord)) return printed(tableOf(value));
  if (isRecord(value)) {
    const entries = Object.entries(value);
    const nested = entries.filter(
      (entry): entry is [string, Record<string, unknown>] => isRecord(entry[1]) && Object.values(entry[1]).some(isCell),
    );
    if (nested.length > 0 && entries.every(([, part]) => isRecord(part)))
      return printed(tableOf(nested.map(([name, record]) => ({ '': name, ...record }))));
    return printed({ columns: ['', ''], rows: entries.flatMap(([name, part]) => (isCell(part) ? [[name, alone(part)]] : [])) });
  }
  return isCell(value) ? alone(value) : JSON.stringify(value);
}

const hasTable = (value: unknown): value is { table(): Table } =>
  typeof value === 'object' && value !== null && 'table' in value && typeof value.table === 'function';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);

const isCell = (value: unknown): value is Cell =>
  value === null || ['string', 'number', 'boolean', 'undefined'].includes(typeof value);

function tableOf(records: readonly Record<string, unknown>[]): Table {
  const columns = [
    ...new Set(
      records.flatMap((record) => Object.keys(record).filter((key) => isCell(record[key]) && record[key] !== undefined)),
    ),
  ];
  return { columns, rows: records.map((record) => columns.map((key) => (isCell(record[key]) ? record[key] : null))) };
}

function printed({ title, columns, rows, notes = [] }: Table): string {
  const shown = columns.map((_, c) => column(rows.map((row) => row[c])));
  const head = columns.some((name) => name !== '') ? [columns] : [];
  const lines = [...head, ...rows.map((_, r) => shown.map(({ cells }) => cells[r]!))];
  const widths = columns.map((_, c) => Math.max(...lines.map((line) => line[c]!.length)));
  // Numbers stand on the right under their column's name, words on the left.
  const aligned = (cell: string, c: number) => (shown[c]!.numeric ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!));
  return [...(title ? [title] : []), ...lines.map((line) => line.map(aligned).join('  ').trimEnd()), ...notes].join('\n');
}

/** A value that shares its column with values of another kind. */
const alone = (cell: Cell): string =>
  typeof cell === 'number' && !Number.isInteger(cell) ? cell.toFixed(3) : String(cell ?? '');

function column(cells: readonly Cell[]): { cells: string[]; numeric: boolean } {
  const numbers = cells.filter((cell) => typeof cell === 'number');
  const digits = numbers.every(Number.isInteger) ? 0 : 3;
  const text = (cell: Cell) => (typeof cell === 'number' ? cell.toFixed(digits) : String(cell ?? ''));
  return {
    cells: cells.map(text),
    numeric: numbers.length > 0 && cells.every((cell) => typeof cell === 'number' || cell == null),
  };
}
