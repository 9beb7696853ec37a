import { HoldfastError } from '../core/errors';
import { nodeModule } from '../core/nodeModule';

/** One line of a text file, from 1. */
export interface Line {
  readonly number: number;
  readonly text: string;
  /** False if its bytes are not UTF-8; `text` then has replacement characters. */
  readonly valid: boolean;
}

const LINE_FEED = 10;

/** The lines of a UTF-8 file, read as a stream; `.gz` is unpacked. A byte order mark and the line ends (LF or CRLF) are left out. */
export async function* linesOf(path: string): AsyncGenerator<Line> {
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const lenient = new TextDecoder('utf-8', { ignoreBOM: true });
  let number = 0;
  const lineOf = (bytes: Uint8Array): Line => {
    number++;
    const end = bytes.at(-1) === 13 ? -1 : undefined;
    const start = number === 1 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    const content = bytes.subarray(start, end);
    try {
      return { number, text: strict.decode(content), valid: true };
    } catch {
      return { number, text: lenient.decode(content), valid: false };
    }
  };
  let open: Uint8Array[] = [];
  for await (const chunk of bytesOf(path)) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      const rest = chunk.subarray(start, end);
      yield lineOf(open.length > 0 ? Buffer.concat([...open, rest]) : rest);
      open = [];
      start = end + 1;
    }
    if (start < chunk.length) open.push(chunk.subarray(start));
  }
  if (open.length > 0) yield lineOf(Buffer.concat(open));
}

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  const [{ createReadStream }, { pipeline }, { createGunzip }] = await Promise.all([
    nodeModule<typeof import('node:fs')>('node:fs'),
    nodeModule<typeof import('node:stream')>('node:stream'),
    nodeModule<typeof import('node:zlib')>('node:zlib'),
  ]);
  const file = createReadStream(path);
  // What goes wrong reaches the loop below, whichever of the streams it happened in.
  const stream = path.endsWith('.gz') ? pipeline(file, createGunzip(), () => {}) : file;
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT')
      throw new HoldfastError('not-found', `There is no file '${path}'. Paths are relative to the working directory.`, { cause });
    const problem = code?.startsWith('Z_') ? 'is not a complete gzip file' : 'cannot be read';
    const said = `'${path}' ${problem}: ${message}`;
    throw new HoldfastError('bad-data', said, { cause, issues: [{ message: said, file: path }] });
  }
}
