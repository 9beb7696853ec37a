import { train as trainOn } from '../../examples/support/train';
import { batches, crossEntropy, evaluate, loadModel, type Batch, type Batches, type Example, type Term } from '../../src';
import type { PretrainedModel, TextModel } from '../../src';
import {
  adapet,
  calibrated,
  cloze,
  clozeClassifier,
  clozeScores,
  demonstrated,
  efl,
  entailmentPairs,
  labelConditioned,
  linearProbe,
  lora,
  maskTokens,
  pet,
  prefixTuning,
  setFit,
  softPrompt,
  type ClozeScoring,
  type ClozeTask,
} from '../../src/prompting';
import type { AdaptedModel } from '../../src/prompting/adapted';
import { ipet } from './ipet';
import type { Meaning } from './tasks';

export interface Settings {
  /** Of plain fine-tuning, cloze questions and adapters. */
  readonly epochs: number;
  readonly eflEpochs: number;
  readonly batchSize: number;
}

/** What a method learns from. */
export interface FewShotRun {
  /** Folder of the model. */
  readonly model: string;
  readonly task: Meaning;
  readonly train: readonly Example[];
  /** For what chooses by it; nothing is tuned here. */
  readonly dev: readonly Example[];
  readonly test: readonly Example[];
  /** Texts of the task without labels; none where the task has none. */
  readonly unlabelled: readonly Example[];
  /** Folder of a model for vectors, for what needs one beside its own. */
  readonly encoder: string;
  readonly seed: number;
  readonly settings: Settings;
}

/** Those of a task, and what a stage makes of them before the few labels: on inference rows, on texts of the task without labels. */
export type ModelKind = 'encoder' | 'masked' | 'inference' | 'after-mlm' | 'after-simcse';

export interface FewShotMethod {
  readonly model: ModelKind;
  /** False: the rows to train on are not read, so one run says what every seed would. */
  readonly learns?: boolean;
  /** True: only for tasks that have texts without labels. */
  readonly unlabelled?: boolean;
  /** Accuracy on the test rows. */
  readonly accuracy: (run: FewShotRun) => Promise<number>;
}

const rate = 1e-4;
const headRate = 1e-3;

/** In the order in which they run. */
export const methods: Readonly<Record<string, FewShotMethod>> = {
  'linear-probe': { model: 'encoder', accuracy: probed },
  'simcse-linear-probe': { model: 'after-simcse', unlabelled: true, accuracy: probed },
  'fine-tuning': { model: 'encoder', accuracy: adapting((model) => model, rate) },
  setfit: {
    model: 'encoder',
    async accuracy({ model: folder, task, train, test, seed }) {
      await using model = await loadModel(folder, { pooling: 'mean' });
      // A pair of its own would be taken for two texts to compare.
      const [examples, asked] = [train, test].map((rows) => rows.map(joined)) as [Example[], Example[]];
      const classifier = await setFit(model, { examples, pairs: task.setFitPairs, learningRate: 5e-5, seed });
      try {
        return share(await classifier.predict(asked), test);
      } finally {
        classifier.dispose();
      }
    },
  },
  'efl-zero': {
    model: 'inference',
    learns: false,
    async accuracy({ model: folder, task, test }) {
      await using model = await loadModel(folder, { pooling: 'mean' });
      return await entailed(model, task, test);
    },
  },
  efl: {
    model: 'inference',
    async accuracy({ model: folder, task: { descriptions, ...task }, train, test, seed, settings }) {
      await using model = await loadModel(folder, { pooling: 'mean' });
      const { eflEpochs: epochs, batchSize } = settings;
      const options = { head: model.head('entailment'), batchSize };
      const data = descriptions ? entailmentPairs(train, { ...options, descriptions }) : batches(train, options);
      await trainOn(model, { objective: crossEntropy(), data, epochs, seed }, 5e-5, headRate);
      return await entailed(model, { ...task, ...(descriptions && { descriptions }) }, test);
    },
  },
  'pet-zero': { model: 'masked', learns: false, accuracy: asking(clozeScores) },
  'pet-zero-calibrated': { model: 'masked', learns: false, accuracy: asking(calibrated()) },
  pet: { model: 'masked', accuracy: (run) => petTrained(run, run.task.cloze) },
  'mlm-pet': { model: 'after-mlm', unlabelled: true, accuracy: (run) => petTrained(run, run.task.cloze) },
  demonstrations: {
    model: 'masked',
    async accuracy(run) {
      await using reader = await loadModel(run.encoder, { pooling: 'mean' });
      const { verbalizer } = run.task.cloze;
      const pattern = await demonstrated(reader, { ...run.task.cloze, examples: run.train, seed: run.seed });
      return await petTrained(run, { pattern, verbalizer });
    },
  },
  ipet: { model: 'masked', unlabelled: true, accuracy: (run) => ipet(run, rate, headRate) },
  adapet: {
    model: 'masked',
    accuracy: (run) => clozeTrained(run, run.task.cloze, adapet(), (data) => labelConditioned(data)),
  },
  lora: { model: 'encoder', accuracy: adapting((model, seed) => lora(model, { seed }), 10 * rate) },
  prefix: { model: 'encoder', accuracy: adapting((model, seed) => prefixTuning(model, { seed }), 1e-2) },
  'soft-prompt': { model: 'encoder', accuracy: adapting((model, seed) => softPrompt(model, { seed }), 1e-2) },
};

async function probed({ model: folder, train, test }: FewShotRun): Promise<number> {
  await using model = await loadModel(folder, { pooling: 'mean' });
  const probe = await linearProbe(model, { examples: train });
  return share(await probe.predict(test), test);
}

/** A head on the encoder, or on the encoder with something around it. */
function adapting(around: (model: PretrainedModel, seed: number) => PretrainedModel | AdaptedModel, learningRate: number) {
  return async ({ model: folder, train, test, seed, settings: { epochs, batchSize } }: FewShotRun): Promise<number> => {
    await using model = await loadModel(folder, { pooling: 'mean' });
    const head = model.addHead('few-shot', [...new Set(train.map(({ label }) => label!))].sort(), { seed });
    const learner = around(model, seed);
    try {
      const data = batches(train, { head, batchSize });
      await trainOn(learner, { objective: crossEntropy(), data, epochs, seed }, learningRate, headRate);
      return (await evaluate(learner, test, { head })).accuracy;
    } finally {
      if (learner !== model) learner.dispose();
    }
  };
}

/** Without any training. */
function asking(scoring: ClozeScoring) {
  return async ({ model: folder, task, test }: FewShotRun): Promise<number> => {
    await using model = await loadModel(folder);
    return share(await clozeClassifier(model, { ...task.cloze, scoring }).predict(test), test);
  };
}

const petTrained = (run: FewShotRun, asked: ClozeTask): Promise<number> =>
  clozeTrained(run, asked, pet(), (data) => maskTokens(data));

async function clozeTrained<B extends Batch>(
  { model: folder, train, test, seed, settings: { epochs, batchSize } }: FewShotRun,
  asked: ClozeTask,
  objective: Term<B>,
  viewed: (data: ReturnType<typeof cloze>) => Batches<B>,
): Promise<number> {
  await using model = await loadModel(folder);
  await trainOn(model, { objective, data: viewed(cloze(train, { ...asked, batchSize })), epochs, seed }, rate, headRate);
  return share(await clozeClassifier(model, asked).predict(test), test);
}

/** Rows that are pairs ask the head themselves; others are asked with each description. */
async function entailed(model: TextModel, { descriptions }: Meaning, test: readonly Example[]): Promise<number> {
  if (!descriptions) return (await evaluate(model, test, { head: model.head('entailment') })).accuracy;
  return share(await efl(model, { descriptions }).predict(test), test);
}

const joined = ({ text, pair, label }: Example): Example => ({
  text: pair === undefined ? text : `${text} ${pair}`,
  ...(label !== undefined && { label }),
});

const share = (answers: readonly { readonly label: string }[], test: readonly Example[]): number =>
  answers.filter(({ label }, i) => label === test[i]!.label).length / test.length;
