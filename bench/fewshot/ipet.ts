import { train as trainOn } from '../../examples/support/train';
import { evaluate, loadModel, type Example } from '../../src';
import {
  cloze,
  clozeClassifier,
  labelDistillation,
  maskTokens,
  nextGeneration,
  pet,
  softBatches,
  softLabels,
  type Answer,
  type Voter,
} from '../../src/prompting';
import type { FewShotRun } from './methods';

/** After the first, which learns from the labelled examples alone. */
const generations = 2;

/** iPET: one model for each pattern, each generation labelled by the last one; at the end one classifier learns what all of them say. */
export async function ipet(run: FewShotRun, learningRate: number, headRate: number): Promise<number> {
  const { model: folder, task, train, test, unlabelled, seed, settings } = run;
  const { epochs, batchSize } = settings;
  // As many steps in each generation, though the sets grow.
  const steps = epochs * Math.ceil(train.length / batchSize);
  const { verbalizer, pattern } = task.cloze;
  const patterns = [pattern, ...(task.patterns ?? [])];

  const answersOf = async (sets: readonly (readonly Example[])[]): Promise<Answer[][]> => {
    const answers: Answer[][] = [];
    for (const [m, asked] of patterns.entries()) {
      await using model = await loadModel(folder);
      const own = { pattern: asked, verbalizer };
      const data = maskTokens(cloze(sets[m]!, { ...own, batchSize }));
      await trainOn(model, { objective: pet(), data, steps, seed: seed + m }, learningRate, headRate);
      answers.push(await clozeClassifier(model, own).predict(unlabelled));
    }
    return answers;
  };

  let answers = await answersOf(patterns.map(() => train));
  for (let generation = 1; generation <= generations; generation++)
    answers = await answersOf(nextGeneration({ examples: train, unlabelled, answers, generation, seed }));

  const voters = answers.map((said): Voter => ({ labels: verbalizer.labels, predict: () => Promise.resolve(said) }));
  const soft = await softLabels(voters, unlabelled);
  await using model = await loadModel(folder, { pooling: 'mean' });
  const head = model.addHead('few-shot', verbalizer.labels, { seed });
  const data = softBatches(soft, { head, batchSize });
  await trainOn(model, { objective: labelDistillation(), data, steps: 3 * steps, seed }, learningRate, headRate);
  return (await evaluate(model, test, { head })).accuracy;
}
