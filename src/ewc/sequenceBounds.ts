import { requireNumber } from '../core/errors';
import type { SequenceSummary } from './sequenceSummary';

/** How another way of learning the same tasks went: its summary, or its final accuracy alone. */
export type Bound = number | (Pick<SequenceSummary, 'final'> & Partial<SequenceSummary>);

/** Between these a method stands. */
export interface SequenceBounds {
  /** Just went on training: what there is to gain. */
  readonly naive?: Bound;
  /** Trained on all tasks at once: the most that can be had. */
  readonly joint?: Bound;
}

/** Copies of those that are given. */
export function checkedBounds(owner: string, { naive, joint }: SequenceBounds): SequenceBounds {
  const given = Object.entries({ naive, joint }).filter((entry): entry is [string, Bound] => entry[1] !== undefined);
  for (const [name, bound] of given) requireNumber(owner, `final accuracy of bound '${name}'`, finalOf(bound), 0, 1);
  return structuredClone(Object.fromEntries(given));
}

export function boundsInWords(bounds: SequenceBounds): string[] {
  const words = Object.entries(bounds).map(([name, bound]: [string, Bound]) => {
    const forgetting = typeof bound === 'number' ? undefined : bound.forgetting;
    return `${name} ${finalOf(bound).toFixed(3)}${forgetting === undefined ? '' : ` (forgetting ${forgetting.toFixed(3)})`}`;
  });
  return words.length === 0 ? [] : [`bounds (ACC): ${words.join(', ')}`];
}

const finalOf = (bound: Bound): number => (typeof bound === 'number' ? bound : bound.final);
