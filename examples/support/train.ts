import { adamW, fit, grouped, type Batch, type FitOptions, type TextModel, type Updater } from '../../src';

/** AdamW without decay. A head begins with nothing, so it may take longer steps. */
const freshOptimizer = (learningRate: number, headRate: number): Updater =>
  grouped([
    { weights: (name) => name.startsWith('classifier.'), optimizer: adamW({ learningRate: headRate, weightDecay: 0 }) },
    { weights: () => true, optimizer: adamW({ learningRate, weightDecay: 0 }) },
  ]);

/** With a fresh optimizer for each task: what it remembers of one task's gradients should not steer the next one. */
export async function train<B extends Batch>(
  model: TextModel,
  options: Omit<FitOptions<B>, 'optimizer'>,
  learningRate = 3e-4,
  headRate = 1e-3,
  tracked: (optimizer: Updater) => Updater = (same) => same,
): Promise<void> {
  const optimizer = freshOptimizer(learningRate, headRate);
  try {
    await fit(model, { ...options, optimizer: tracked(optimizer) });
  } finally {
    optimizer.dispose();
  }
}
