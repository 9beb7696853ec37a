import { crossEntropy, sum, type Head, type Rehearsal, type Term } from '../../src';
import type { Learned, Learner, Method, Protocol } from './inSequence';

/** A penalty that measures what the learned task needs. */
interface Penalty extends Term {
  consolidate(model: Learned['model'], data: Learned['some']): Promise<unknown>;
  dispose(): void;
}

interface Memory {
  remember(rows: Learned['rows'], options: { readonly head: Head }): void | Promise<void>;
  draw(rows: number): Rehearsal;
}

export const naive: Method = () => ({});

export const joint: Method = () => ({ jointly: true });

/** Weights that earlier tasks need are held. */
export const holding = (make: () => Penalty): Method => {
  return (): Learner => {
    const guard = make();
    return {
      objective: sum(crossEntropy(), guard),
      after: async ({ model, some }) => void (await guard.consolidate(model, some)),
      dispose: () => guard.dispose(),
    };
  };
};

/** As many old rows as new ones in each step. */
export const rehearsing = (make: (protocol: Protocol) => Memory): Method => {
  return (protocol): Learner => {
    const memory = make(protocol);
    return { rehearse: memory.draw(protocol.batchSize), after: ({ rows, head }) => memory.remember(rows, { head }) };
  };
};
