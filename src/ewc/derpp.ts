import * as tf from '@tensorflow/tfjs';
import { badArgument, requireNumber } from '../core/errors';
import type { Labeled, Term } from '../core/types';
import type { ExampleSource, Rehearsal } from '../data/types';
import { crossEntropyOf } from '../losses/crossEntropy';
import { meanOf } from '../losses/meanOf';
import type { Head, TextModel } from '../model/types';
import { inTurn } from './inTurn';
import { keptOf, logitsOf, plain, rememberedRows, withLogits, type KeptLogits } from './keptLogits';
import { readAll } from './remembering';
import { replay, type Replay, type ReplayOptions, type ReplayState } from './replay';

export interface DerppOptions extends ReplayOptions {
  /** Weight of the distance between the logits of remembered rows and those kept, ≥ 0. Default 0.3. */
  readonly alpha?: number;
  /** Weight of the cross entropy of remembered rows, ≥ 0. Default 0.5. */
  readonly beta?: number;
}

export interface DerppRememberOptions {
  /** The head that the labels belong to. */
  readonly head: Head;
  /** The heads whose logits are kept: those whose classes took part in training. Default `head` alone. */
  readonly classes?: readonly Head[];
}

export interface Derpp extends Pick<Replay, 'draw' | 'size' | 'counts'> {
  /** All of the loss: it takes the place of `crossEntropy`. */
  readonly objective: Term<Labeled>;
  /**
   * Call when a task is learned: keeps examples as `replay` does, with what the model says of them now. If it fails, the memory stays as
   * it was. Calls wait for each other.
   */
  remember(model: TextModel, examples: ExampleSource, options: DerppRememberOptions): Promise<void>;
  /** Like `draw`, twice: the logits of the first `rows` examples count and the labels of the other `rows`. */
  drawApart(rows: number): Rehearsal;
  /** The memory as plain JSON; texts of your users are in it. */
  state(): ReplayState;
  /** Takes a copy of a saved state in place of its own. */
  restore(state: ReplayState, model: Pick<TextModel, 'head' | 'classCount'>): void;
}

/**
 * Dark experience replay++: replay that also keeps what the model said of each old example, so that its answers to all classes stay, not
 * only its label.
 *
 * `L = CE(new) + α mean_b 1/|O_b| Σ_{c ∈ O_b} (z_bc − k_bc)² + β CE(old)`, b over the rehearsed rows, with logits z of [B, C], k the
 * logits that were kept and O_b the classes that took part then.
 *
 * **Needs** `remember` after each task, and `rehearse: memory.draw(n)` in the batches of the next one. `objective` already contains
 * the cross entropy.
 * **Cost** n more rows per step; `remember` evaluates the examples that it keeps once. The memory holds strings and C numbers for each.
 * **Limits** α = 0 and β = 1 is `replay` with `crossEntropy`; α = β = 0, or an empty memory, is training on the new rows alone.
 * **Differs from the paper** as Avalanche does: there a row's logits are those of the step in which it was seen, and over all classes;
 * here those of the learned task, over its classes. One draw serves both parts; `drawApart` is the paper's two, for n more rows. The
 * mean over the classes is the authors' code's; the paper has the sum.
 * **See also** `replay` (labels only), `lwf` (logits without old texts).
 *
 * @throws HoldfastError `bad-argument` if `alpha` or `beta` is negative or not finite, and unless one of `perLabel` and `size` is given, a
 *   whole number ≥ 0; from `remember`, if `classes` leave out the head, and `bad-data`, `unknown-label`, `not-found` or `not-finite`; from
 *   `restore`, for a state that is not derpp's or of a model with more classes; when evaluated, for a memory of such a model
 * @see Buzzega et al., Dark Experience for General Continual Learning, NeurIPS 2020, arXiv:2004.07211
 * @see https://github.com/aimagelab/mammoth (the authors' code)
 * @example
 * const memory = derpp({ perLabel: 10, seed: 1 });
 * await memory.remember(model, first, { head });
 * const data = batches(second, { head, batchSize: 32, rehearse: memory.draw(32) });
 * await fit(model, { objective: memory.objective, data, optimizer, seed: 1 });
 */
export function derpp({ alpha = 0.3, beta = 0.5, ...options }: DerppOptions): Derpp {
  requireNumber('derpp', 'alpha', alpha);
  requireNumber('derpp', 'beta', beta);
  const memory = replay(options);

  async function remember(model: TextModel, examples: ExampleSource, { head, classes = [head] }: DerppRememberOptions) {
    if (!classes.some(({ name }) => name === head.name))
      throw badArgument('derpp', `classes leave out head '${head.name}', which the labels belong to`);
    const rows = (await readAll(examples)).map(plain);
    const next = replay(options);
    next.restore(memory.state(), model);
    next.remember(rows, { head });
    const { labels, ...rest } = next.state();
    const fresh = labels.flatMap(({ examples: all }) => all.filter((example) => !keptOf(example)));
    const logits = await logitsOf(model, fresh, classes);
    const found = new Map(fresh.map((example, i) => [example, withLogits(example, { logits: logits[i]! })]));
    const whole = labels.map((shelf) => ({ ...shelf, examples: shelf.examples.map((one) => found.get(one) ?? one) }));
    memory.restore({ ...rest, labels: whole }, model);
  }

  return {
    objective({ batch, output: { logits }, report }) {
      const surprise = crossEntropyOf(logits, batch.labels, batch.classes); // [B]
      const rows = rememberedRows(batch.examples, logits.shape[1], beta);
      const distances = rows ? tf.sum(logitDistanceOf(logits, rows.logits, rows.known)) : tf.scalar(0);
      const drift = distances.mul<tf.Scalar>(alpha / Math.max(1, rows?.compared ?? 0));
      report('derpp', drift);
      return rows ? meanOf(surprise.mul(rows.weights), batch).add(drift) : meanOf(surprise, batch);
    },
    remember: inTurn(remember),
    draw: (rows) => memory.draw(rows),
    drawApart(rows) {
      const once = memory.draw(rows);
      const countedBy = (only: KeptLogits['only'] & string, random: () => number) =>
        once.draw(random).map(({ example, head }) => ({ example: withLogits(example, { ...keptOf(example)!, only }), head }));
      return { draw: (random) => [...countedBy('logits', random), ...countedBy('label', random)] };
    },
    get size() {
      return memory.size;
    },
    counts: () => memory.counts(),
    state: () => memory.state(),
    restore(state, model) {
      for (const example of state.labels.flatMap(({ examples }) => examples)) {
        const logits = keptOf(example)?.logits;
        if (!Array.isArray(logits))
          throw badArgument('derpp', 'the state has an example without logits: it is not one that derpp saved.');
        if (logits.length > model.classCount)
          throw badArgument(
            'derpp',
            `the state has logits of ${logits.length} classes, the model ${model.classCount}: add the heads first that it had when it was saved.`,
          );
      }
      memory.restore(state, model);
    },
  };
}

/** Mean squared difference of the logits over the known classes: three of [B, C] → [B]; 0 in rows that know none. */
export function logitDistanceOf(logits: tf.Tensor2D, kept: tf.Tensor2D, known: tf.Tensor2D): tf.Tensor1D {
  const total = tf.sum<tf.Tensor1D>(tf.mul(tf.square(tf.sub(logits, kept)), known), 1); // [B]
  return tf.div(total, tf.maximum(tf.sum(known, 1), 1));
}
