import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as holdfast from '../../src';
import { adamW, batches, disposeBatch, loadModel, memoryFiles, type Example } from '../../src';
import * as adversarial from '../../src/adversarial';
import * as crosslingual from '../../src/crosslingual';
import * as ewc from '../../src/ewc';
import * as prompting from '../../src/prompting';
import { writeTinyCheckpoint } from '../package/tinyCheckpoint';
import { firstOf } from '../support/firstOf';

/** What `import … from 'holdfast'` and its parts give. */
export const library = { ...holdfast, ...adversarial, ...crosslingual, ...ewc, ...prompting };

const labels = ['invoice', 'refund'] as const;
const rows: readonly Example<(typeof labels)[number]>[] = [
  { text: 'where is my invoice', label: 'invoice' },
  { text: 'i want my money back', label: 'refund' },
  { text: 'send the invoice again', label: 'invoice' },
  { text: 'refund the second order', label: 'refund' },
];

/** A working directory with the files that the examples name: random models of one layer in `minilm` and, with a masked-language head, `minilm-mlm`; and data. */
export function exampleFolder(): { readonly path: string; remove(): void } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'holdfast-docs-'));
  const write = (name: string, lines: readonly string[]) => writeFileSync(path.join(folder, name), `${lines.join('\n')}\n`);
  const json = rows.map((row) => JSON.stringify(row));
  writeTinyCheckpoint(path.join(folder, 'minilm'));
  writeTinyCheckpoint(path.join(folder, 'minilm-mlm'), { masked: true });
  write('train.jsonl', json);
  write('billing.jsonl', json);
  write('test.en.jsonl', json);
  write('test.de.jsonl', json);
  write('tickets.csv', ['subject,team', '"Where is it, please?",shipping', 'A wrong invoice,billing']);
  write('en-de.tsv', ['invoice\tRechnung', 'money\tGeld']);
  write('en-es.tsv', ['invoice\tfactura', 'money\tdinero']);
  const premise = 'It rains.';
  const inference = [
    { premise, hypothesis: 'It is wet.', label: 'entailment' },
    { premise, hypothesis: 'It is dry.', label: 'contradiction' },
  ];
  write(
    'nli.jsonl',
    inference.map((row) => JSON.stringify(row)),
  );
  write('rte.tsv', ['It rains.\tIt is wet.\tentailment', 'It rains.\tIt is dry.\tnot_entailment']);
  return { path: folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** The names that an example may use without making them: what stood before it in its reader's program. */
export async function given() {
  const model = await loadModel('./minilm');
  const head = model.addHead('billing', labels);
  const data = batches(rows, { head });
  const optimizer = adamW({ learningRate: 1e-3 });
  const batch = await firstOf(data, model, { seed: 0 });
  return {
    names: {
      ...{ tf, model, head, labels, data, batch, optimizer, tokenizer: model.tokenizer, files: memoryFiles() },
      // Stands in for the default model's.
      folder: './minilm',
      ...{ examples: rows, rows, train: rows, first: rows, second: rows, billingTest: rows },
      // The tests' own output stays readable.
      console: { log: (..._shown: unknown[]): void => {} },
    },
    dispose() {
      optimizer.dispose();
      disposeBatch(batch);
      model.dispose();
    },
  };
}

export type Names = Awaited<ReturnType<typeof given>>['names'];
