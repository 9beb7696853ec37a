import { requireCount } from '../core/errors';
import { randomOf } from '../data/random';
import { requireReopenable } from '../data/source';
import type { Example, ExampleSource, OpenOptions } from '../data/types';
import type { TextPerturbation } from './textPerturbations';

export interface PerturbedOptions {
  /** Beside the run's own, so that two transforms draw differently. Default 0. */
  readonly seed?: number;
}

/**
 * Puts a perturbation on the texts themselves, both texts of a pair: noise to train with, drawn anew in each epoch.
 *
 * What is drawn is a function of the seeds, the epoch and the example's place in the source.
 *
 * **Cost** some draws per word. **Limits** labels, ids and views stay as they are. **See also** `robustness` (measures instead), `codeSwitch`.
 *
 * @returns a transform of example sources
 * @throws HoldfastError `bad-argument`; `bad-data` if the source can be read only once
 * @example
 * const mistyped = perturbed(keyboardTypos({ rate: 0.1 }));
 * await fit(model, { objective: crossEntropy(), data: batches(mistyped(train), { head }), optimizer, seed: 1 });
 */
export function perturbed(perturbation: TextPerturbation, { seed: own = 0 }: PerturbedOptions = {}) {
  requireCount('perturbed', 'seed', own, 0, 0xffffffff);
  return <E extends Example>(
    source: ExampleSource<E>,
  ): ((opening?: Pick<OpenOptions, 'seed' | 'epoch'>) => AsyncGenerator<E>) => {
    requireReopenable('perturbed', source);
    return async function* ({ seed, epoch } = { seed: 0, epoch: 0 }) {
      let row = 0;
      for await (const example of typeof source === 'function' ? source({ seed, epoch }) : source) {
        const random = randomOf('perturbed', own, seed, epoch, row++);
        const text = perturbation(example.text, random);
        yield { ...example, text, ...(example.pair !== undefined && { pair: perturbation(example.pair, random) }) };
      }
    };
  };
}
