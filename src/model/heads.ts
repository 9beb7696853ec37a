import { HoldfastError, badArgument } from '../core/errors';
import type { Names } from './names';
import type { Head } from './types';
import { headNames } from './weightPlan';

/** What a head is on disk. */
export interface HeadRecord {
  readonly name: string;
  readonly labels: readonly string[];
}

/** A block of classes that starts at column `offset` of the logits. */
export function createHead<const Label extends string>(name: string, labels: readonly Label[], offset: number): Head<Label> {
  const columns = new Map<string, number>(labels.map((label, i) => [label, offset + i]));
  return Object.freeze({ name, labels: Object.freeze([...labels]), offset, columnOf: (label: string) => columns.get(label) });
}

/** Heads side by side, in order. */
export function placeHeads(records: readonly HeadRecord[]): Head[] {
  let offset = 0;
  return records.map(({ name, labels }) => {
    const head = createHead(name, labels, offset);
    offset += labels.length;
    return head;
  });
}

export const findHead = (heads: readonly Head[], name: string): Head => {
  const head = heads.find((one) => one.name === name);
  if (head) return head;
  const known = heads.length === 0 ? 'the model has none' : `there are ${heads.map((one) => `'${one.name}'`).join(', ')}`;
  throw new HoldfastError('not-found', `There is no head '${name}': ${known}.`);
};

/** Throws unless a head of that name and with these labels can be added beside `heads` to an encoder with those weight names. */
export function checkHead(heads: readonly Head[], { pooler }: Names, name: string, labels: readonly string[]): void {
  if (typeof name !== 'string' || name === '')
    throw badArgument('addHead', `name must be a text that is not empty, got ${JSON.stringify(name)}`);
  if (heads.some((head) => head.name === name)) {
    throw badArgument(
      'addHead',
      `there is a head '${name}' already, with ${heads.find((head) => head.name === name)!.labels.length} labels: choose another name`,
    );
  }
  // RoBERTa's pooler is `classifier.dense`: in a file nobody could tell the two apart, also where the model has no pooler.
  if (headNames(name).weight === pooler.weight)
    throw badArgument('addHead', `'${name}' is what the pooler is called in this architecture: choose another name`);
  const problem = labelProblem(labels);
  if (problem) throw badArgument('addHead', `${problem} in head '${name}'`);
}

/** What is wrong with a list of labels, in words; undefined if nothing is. */
export function labelProblem(labels: unknown): string | undefined {
  if (!Array.isArray(labels) || labels.length === 0) return 'labels must be a list of at least one label';
  const given: readonly unknown[] = labels;
  const bad = given.findIndex((label) => typeof label !== 'string' || label === '');
  if (bad >= 0) return `labels must be texts that are not empty, got ${JSON.stringify(given[bad])}`;
  const twice = [...new Set(given.filter((label, i) => given.indexOf(label) !== i))].map(String);
  return twice.length > 0 ? `labels must differ; more than once: ${twice.map((label) => `'${label}'`).join(', ')}` : undefined;
}

/** Names of the merged heads in a file that no class of Hugging Face's stands for: there they must not be taken for its classifier. */
export const mergedHeads = { weight: 'heads.weight', bias: 'heads.bias' };

/** One name for each column, for places that know a single list of labels: a label that several heads have gets its head's name. */
export function mergedLabels(heads: readonly HeadRecord[]): string[] {
  const counts = new Map<string, number>();
  for (const label of heads.flatMap(({ labels }) => labels)) counts.set(label, (counts.get(label) ?? 0) + 1);
  return heads.flatMap(({ name, labels }) => labels.map((label) => (counts.get(label)! > 1 ? `${name}/${label}` : label)));
}
