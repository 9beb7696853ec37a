import type { LwfModel } from '../../src/ewc/lwf';
import { toy, type Toy } from './toy';

/** A toy that can be told what is trainable, with heads named as its weights are: `classifier.0`, `classifier.1`. */
export function pupil(): Toy & LwfModel {
  const model = toy({ heads: { '0': ['x', 'y'], '1': ['z'] } });
  return Object.assign(model, { setTrainable: (names: readonly string[]) => void Object.assign(model, { trainable: names }) });
}
