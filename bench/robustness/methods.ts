import { crossEntropy, rDrop, sum, weighted, type GradientTransform, type Labeled, type Term } from '../../src';
import { awp, fgm, freelb, keyboardTypos, pgd, smart, vat, type TextPerturbation } from '../../src/adversarial';
import { consistency, type CodeSwitched } from '../../src/crosslingual';

export interface RobustMethod {
  readonly objective: Term<Labeled & CodeSwitched>;
  readonly transforms?: readonly GradientTransform[];
  /** Of the texts that it learns from. */
  readonly noise?: TextPerturbation;
  /** Passes of the network, forward and backward, of a step; one without gradient counts a third. What its cost should be near. */
  readonly passes: number;
}

const plain = crossEntropy();
/** ε of the attacks: about a third of the length of a word's embedding, which is where accuracy on clean text does not suffer yet. */
const epsilon = 0.5;

/** In the order in which they run; each is made anew for a training. */
export const methods: Readonly<Record<string, () => RobustMethod>> = {
  plain: () => ({ objective: plain, passes: 1 }),
  fgm: () => ({ objective: plain, transforms: [fgm({ epsilon })], passes: 2 }),
  'pgd-3': () => ({ objective: plain, transforms: [pgd({ epsilon, stepSize: epsilon / 2, steps: 3 })], passes: 4 }),
  'freelb-3': () => ({ objective: plain, transforms: [freelb({ steps: 3 })], passes: 3 }),
  awp: () => ({ objective: plain, transforms: [awp()], passes: 2 }),
  smart: () => ({ objective: sum(plain, smart()), passes: 3 }),
  vat: () => ({ objective: sum(plain, vat()), passes: 3 }),
  'r-drop': () => ({ objective: rDrop(), passes: 2 }),
  consistency: () => ({ objective: sum(plain, weighted(5, consistency())), passes: 2 }),
  // One of the kinds that are asked: whether the others follow is to be seen.
  perturbed: () => ({ objective: plain, noise: keyboardTypos({ rate: 1 / 3 }), passes: 1 }),
};
