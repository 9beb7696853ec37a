import { adamW, batches, clipped, crossEntropy, evaluate, fit, linear, type PretrainedModel } from '../../src';
import { topicLanguages, type TopicExample, type Topics } from './data';
import { topicsOver, type TopicsResult } from './results';

export interface TopicsOptions {
  readonly prefix: string;
  readonly seeds: readonly number[];
  /** Learning rates to try; with more than one, the English dev rows choose. */
  readonly rates: readonly number[];
  readonly epochs: number;
  readonly log: (line: string) => void;
}

const batchSize = 32;
const warmup = 0.1;
const clipNorm = 1;

/**
 * Topic of a sentence, SIB-200: trained on the 701 English rows, tested in every language. The learning rate that is best on the
 * English dev rows (with the first seed; the smaller one if two are equal) is used; the test rows choose nothing.
 */
export async function topicsOf(model: PretrainedModel, topics: Topics, options: TopicsOptions): Promise<TopicsResult> {
  const { seeds, epochs, prefix, log } = options;
  const tried: { rate: number; dev: number }[] = [];
  for (const rate of options.rates.length > 1 ? options.rates : []) {
    const found = await trained(model, topics, { rate, seed: seeds[0]!, epochs, prefix }, { dev: topics.dev });
    tried.push({ rate, dev: found['dev']! });
    log(`topics: rate ${rate}, ${epochs} epochs: dev ${found['dev']!.toFixed(3)}`);
  }
  const rate = tried.reduce(
    (kept, other) => (other.dev > kept.dev ? other : kept),
    tried[0] ?? { rate: options.rates[0]!, dev: 0 },
  ).rate;
  const runs: Record<string, number>[] = [];
  for (const seed of seeds) {
    runs.push(await trained(model, topics, { rate, seed, epochs, prefix }, topics.tests));
    log(
      `topics: seed ${seed}: ${Object.entries(runs.at(-1)!)
        .map(([name, value]) => `${name} ${value.toFixed(3)}`)
        .join(', ')}`,
    );
  }
  const optimizer = `AdamW, weight decay 0.01, gradient norm clipped at ${clipNorm}, linear warm-up over ${100 * warmup} % and decay to 0`;
  return topicsOver({ rate, epochs, batchSize, optimizer, tried }, seeds, topicLanguages, runs);
}

interface Training {
  readonly rate: number;
  readonly seed: number;
  readonly epochs: number;
  readonly prefix: string;
}

/** Accuracy on each test after a training of its own; the model stays as it is. */
async function trained(
  model: PretrainedModel,
  { labels, train }: Topics,
  { rate, seed, epochs, prefix }: Training,
  tests: Readonly<Record<string, readonly TopicExample[]>>,
): Promise<Record<string, number>> {
  await using copy = model.clone();
  const head = copy.addHead('topic', labels, { seed });
  const ready = (rows: readonly TopicExample[]) => rows.map(({ text, label }) => ({ text: prefix + text, label }));
  const steps = Math.ceil(train.length / batchSize) * epochs;
  const optimizer = clipped(adamW({ learningRate: linear({ peak: rate, warmup: Math.round(warmup * steps), steps }) }), {
    norm: clipNorm,
  });
  try {
    await fit(copy, { objective: crossEntropy(), data: batches(ready(train), { head, batchSize }), optimizer, epochs, seed });
  } finally {
    optimizer.dispose();
  }
  const accuracy: Record<string, number> = {};
  for (const [name, rows] of Object.entries(tests)) accuracy[name] = (await evaluate(copy, ready(rows), { head })).accuracy;
  return accuracy;
}
