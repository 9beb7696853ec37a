import { existsSync } from 'node:fs';
import { train } from '../../examples/support/train';
import { batches, crossEntropy, rDrop, sum, weighted, type Example, type PretrainedModel } from '../../src';
import {
  classMean,
  codeSwitch,
  consistency,
  cosda,
  pooledConsistency,
  teacherConsistency,
  type Dictionary,
} from '../../src/crosslingual';
import type { Batch, Batches, Head, Term } from '../../src';
import type { SetupChoice } from '../support/setupRuns';
import { batchSize, setups, type Setup } from './setups';

export interface Lesson {
  readonly model: PretrainedModel;
  readonly head: Head;
  readonly rows: readonly Example[];
  readonly dictionary: Dictionary;
  readonly setup: Setup;
  readonly seed: number;
  readonly epochs: number;
}

/** Trains the model on English rows. */
export type CrosslingualMethod = (lesson: Lesson) => Promise<void>;

/** In the order in which they run. λ = 5 and the mean over the classes are of xTune's code. */
export const methods: Readonly<Record<string, CrosslingualMethod>> = {
  plain: (lesson) => learn(lesson, crossEntropy(), plain(lesson)),
  'cosda-0.3': (lesson) => learn(lesson, crossEntropy(), mixed(lesson, 0.3)),
  'cosda-0.5': (lesson) => learn(lesson, crossEntropy(), mixed(lesson, 0.5)),
  consistency: (lesson) => learn(lesson, sum(crossEntropy(), r1()), switched(lesson, 0.5)),
  async teacher(lesson) {
    await using teacher = lesson.model.clone();
    await learn({ ...lesson, model: teacher }, crossEntropy(), plain(lesson));
    const r2 = weighted(5, teacherConsistency({ teacher, reduction: classMean }));
    await learn(lesson, sum(crossEntropy(), r1(), r2), switched(lesson, 0.5));
  },
  pooled: (lesson) => learn(lesson, sum(crossEntropy(), pooledConsistency()), switched(lesson, 0.5)),
  'r-drop': (lesson) => learn(lesson, rDrop({ alpha: 1 }), plain(lesson)),
};

/** What the command line chooses from. */
export const choice: SetupChoice = {
  bench: 'crosslingual',
  setups: Object.keys(setups),
  methods: Object.keys(methods),
  // Those whose model lies on this machine.
  usual: Object.keys(setups).filter((name) => existsSync(setups[name]!.model)),
  smallest: ['small-16'],
};

const r1 = () => weighted(5, consistency({ reduction: classMean }));

const plain = ({ rows, head }: Lesson) => batches(rows, { head, batchSize });
const mixed = ({ rows, head, ...lesson }: Lesson, rate: number) =>
  batches(cosda(switching(lesson, rate))(rows), { head, batchSize });
const switched = ({ rows, head, ...lesson }: Lesson, rate: number) =>
  batches(codeSwitch(switching(lesson, rate))(rows), { head, batchSize });

/** What stands before every text for the encoder's sake is no word of it. */
const switching = ({ dictionary, setup: { prefix } }: Pick<Lesson, 'dictionary' | 'setup'>, rate: number) => ({
  dictionary,
  rate,
  ...(prefix !== '' && { protect: [new RegExp(`^${prefix}`)] }),
});

const learn = <B extends Batch>(
  { model, setup: { learningRate, headRate }, seed, epochs }: Lesson,
  objective: Term<B>,
  data: Batches<B>,
): Promise<void> => train(model, { objective, data, epochs, seed }, learningRate, headRate);
