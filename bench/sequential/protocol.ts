import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { folder as small } from 'holdfast-small';
import type { Protocol } from '../../examples/support/inSequence';
import type { TaskFiles } from '../../examples/support/intents';

export interface Stream {
  readonly files: TaskFiles;
  readonly model: string;
  /** Of each label. */
  readonly trainRows: number;
  readonly settings: Omit<Protocol, 'setting' | 'seed'>;
  /** What must be the same for two runs to be seeds of one. */
  readonly protocol: string;
}

const fromHere = (relative: string) => path.relative('', fileURLToPath(new URL(relative, import.meta.url)));

/** Counts up when a change makes earlier runs another measurement. */
const version = 1;

const usual = {
  trainRows: 25,
  settings: {
    epochs: 2,
    batchSize: 32,
    learningRate: 3e-4,
    headRate: 1e-3,
    measured: 100,
    testPerLabel: Infinity,
    matrixPerLabel: 6,
  },
};
/** A small encoder learns at a higher rate. */
const short = { trainRows: 12, settings: { ...usual.settings, epochs: 4, batchSize: 20, learningRate: 1e-3, headRate: 1e-2 } };

/**
 * What is learned from what.
 *
 * @param data a folder with `train.jsonl` and `test.jsonl`, or the file with the training rows, beside which there is `test.jsonl`
 */
export function streamOf({
  data,
  test,
  model,
  small: brief = false,
}: {
  readonly data?: string | undefined;
  readonly test?: string | undefined;
  readonly model?: string | undefined;
  readonly small?: boolean | undefined;
}): Stream {
  const folder = data ?? fromHere(brief ? '../../examples/data/support' : '../../../shared/data/clinc150');
  const isFile = folder.endsWith('.jsonl');
  const train = isFile ? folder : path.join(folder, 'train.jsonl');
  const tests = test ?? path.join(path.dirname(train), brief && !data ? 'test.en.jsonl' : 'test.jsonl');
  const encoder = model ?? (brief ? small : fromHere('../../../shared/models/minilm-en'));
  const named = [isFile ? folder.slice(0, -'.jsonl'.length) : folder, encoder].map((one) => path.basename(path.resolve(one)));
  return {
    ...(brief ? short : usual),
    files: { train, test: tests },
    model: encoder,
    protocol: [`${version}${brief ? '-small' : ''}`, ...named].join('/'),
  };
}
