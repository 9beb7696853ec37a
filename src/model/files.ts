import { HoldfastError, type ErrorCode } from '../core/errors';

/** Our own file beside Hugging Face's: a folder that has it was saved by this library. */
export const sidecarName = 'holdfast.json';

/** All weights in one file, as Hugging Face names it. */
export const weightsName = 'model.safetensors';

/** The files of one model, wherever they lie: a folder, a browser's cache, memory. Names are relative, with `/` between folders. */
export interface Files {
  /** Where they are, for error messages. */
  readonly name: string;
  list(): Promise<readonly string[]>;
  /** Number of bytes; undefined if there is no such file. */
  size(name: string): Promise<number | undefined>;
  /** The whole file, or the bytes from `start` up to `end`; the array is the caller's. @throws HoldfastError `not-found` */
  read(name: string, range?: ByteRange): Promise<Uint8Array<ArrayBuffer>>;
}

export interface ByteRange {
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

/** Where a save writes: the parts of one file come one after the other. */
export interface FileSink {
  write(name: string, parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>;
}

/**
 * Files in memory, for browsers and tests: read what is in the map, write into it.
 *
 * @example
 * const files = memoryFiles();
 * await model.save(files);
 */
export const memoryFiles = (contents: Map<string, Uint8Array> = new Map(), name = 'memory'): Files & FileSink => ({
  name,
  list: () => Promise.resolve([...contents.keys()]),
  size: (file) => Promise.resolve(contents.get(file)?.byteLength),
  read: (file, { start = 0, end }: Partial<ByteRange> = {}) => {
    const bytes = contents.get(file);
    return bytes ? Promise.resolve(Uint8Array.from(bytes.subarray(start, end))) : Promise.reject(fileNotFound(file, name));
  },
  async write(file, parts) {
    const chunks: Uint8Array[] = [];
    for await (const part of parts) chunks.push(part.slice());
    contents.set(file, joined(chunks));
  },
});

export const fileNotFound = (file: string, where: string): HoldfastError =>
  new HoldfastError(
    'not-found',
    `There is no '${file}' in ${where}: a model needs config.json, model.safetensors and tokenizer.json.`,
  );

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The object in a JSON file; undefined if there is no such file. @throws HoldfastError with `code` if it is not a JSON object */
export async function readJson(
  files: Pick<Files, 'name' | 'size' | 'read'>,
  name: string,
  code: ErrorCode = 'bad-config',
): Promise<Record<string, unknown> | undefined> {
  if ((await files.size(name)) === undefined) return undefined;
  return parseObject(await files.read(name), `'${name}' in ${files.name}`, code);
}

/** The object in a JSON text in UTF-8. @throws HoldfastError with `code` if it is none */
export function parseObject(bytes: Uint8Array, what: string, code: ErrorCode = 'bad-config'): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HoldfastError(code, `${what} is not valid JSON: ${reason}`, { cause });
  }
  if (!isRecord(value)) throw new HoldfastError(code, `${what} must hold a JSON object.`);
  return value;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.byteLength, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
