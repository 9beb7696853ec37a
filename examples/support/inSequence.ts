import seedrandom from 'seedrandom';
import {
  batches,
  crossEntropy,
  evaluate,
  shuffled,
  type Batches,
  type GradientTransform,
  type Head,
  type Labeled,
  type PretrainedModel,
  type Rehearsal,
  type Term,
  type Updater,
} from '../../src';
import { accuracyMatrix, type AccuracyMatrix } from '../../src/ewc';
import { perLabel, type Intent, type Task } from './intents';
import { train } from './train';

/** TIL: only the classes of a text's own task compete. CIL: all classes seen so far. */
export type Setting = 'til' | 'cil';

export interface Protocol {
  readonly setting: Setting;
  readonly seed: number;
  /** Per task. */
  readonly epochs: number;
  /** New rows of a step. */
  readonly batchSize: number;
  readonly learningRate: number;
  readonly headRate: number;
  /** Rows of a learned task that a method may measure the model on. */
  readonly measured: number;
  /** Test rows per label at the end, and after each task. */
  readonly testPerLabel: number;
  readonly matrixPerLabel: number;
}

/** What a method has when a task is learned. */
export interface Learned {
  readonly model: PretrainedModel;
  readonly head: Head;
  readonly rows: readonly Intent[];
  /** A part of the rows in batches, to measure the model on. */
  readonly some: Batches<Labeled>;
  /** The heads whose classes competed. */
  readonly classes: readonly Head[];
}

/** What a method adds to training on one task after the other. Nothing of it: naive training. */
export interface Learner {
  /** Default cross entropy. */
  readonly objective?: Term<Labeled>;
  readonly transforms?: readonly GradientTransform[];
  /** Old rows beside the new ones. */
  readonly rehearse?: Rehearsal;
  readonly tracked?: (optimizer: Updater) => Updater;
  readonly after?: (learned: Learned) => void | Promise<void>;
  readonly dispose?: () => void;
  /** All tasks at once, which is the bound. */
  readonly jointly?: boolean;
}

/** Begins a stream of tasks with a model that has learned none. */
export type Method = (start: Protocol & { readonly model: PretrainedModel }) => Learner;

export interface Outcome {
  /** Mean over the tasks of the accuracy at the end. */
  readonly final: number;
  /** Accuracy after each task; not of what learned all at once. */
  readonly matrix?: AccuracyMatrix;
}

/** Learns the tasks one after the other, with a head and a fresh optimizer for each. */
export async function learnInSequence(
  model: PretrainedModel,
  tasks: readonly Task[],
  method: Method,
  protocol: Protocol,
  onStep: () => void = () => {},
): Promise<Outcome> {
  const { setting, seed, batchSize } = protocol;
  const competing = (): { classes?: readonly Head[] } => (setting === 'cil' ? { classes: [...model.heads] } : {});
  const accuracies = (of: readonly Task[], perIntent: number) => evaluate(model, tests(of, perIntent, seed), competing());
  const final = async () => {
    const scores = Object.values(await accuracies(tasks, protocol.testPerLabel));
    return scores.reduce((total, { accuracy }) => total + accuracy, 0) / scores.length;
  };
  const learner = method({ ...protocol, model });
  const onEvent = ({ type }: { type: string }) => (type === 'step' ? onStep() : undefined);
  const learn = (data: Batches<Labeled>, seed: number) => {
    const { objective = crossEntropy(), transforms = [], tracked } = learner;
    const { epochs, learningRate, headRate } = protocol;
    return train(model, { objective, data, transforms, epochs, seed, onEvent }, learningRate, headRate, tracked);
  };

  try {
    if (learner.jointly) {
      for (const { name, labels } of tasks) model.addHead(name, labels, { seed });
      const rows = tasks.flatMap(({ train }) => train);
      await learn(batches(rows, { head: ({ task }) => model.head(task), batchSize, ...competing() }), seed);
      return { final: await final() };
    }

    const matrix = accuracyMatrix();
    for (const [t, { name, labels, train: rows }] of tasks.entries()) {
      const head = model.addHead(name, labels, { seed: seed + t });
      const { rehearse } = learner;
      await learn(batches(rows, { head, batchSize, ...competing(), ...(rehearse && { rehearse }) }), seed + t);

      const part = shuffled(rows, seedrandom(`fisher/${seed}`)).slice(0, protocol.measured);
      const { classes = [head] } = competing();
      await learner.after?.({ model, head, rows, classes, some: batches(part, { head, batchSize, classes }) });
      matrix.add(name, await accuracies(tasks.slice(0, t + 1), protocol.matrixPerLabel));
    }
    return { final: await final(), matrix };
  } finally {
    learner.dispose?.();
  }
}

/** Up to `perIntent` test rows of each intent, by task. */
const tests = (tasks: readonly Task[], perIntent: number, seed: number): Record<string, Intent[]> =>
  Object.fromEntries(tasks.map(({ name, test }) => [name, perLabel(test, perIntent, seed)]));
