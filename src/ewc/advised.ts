import { requireCount } from '../core/errors';
import type { FitEvent, StepEvent } from '../training/events';
import { joinedCompeting, type Competing } from './competing';

/** A finding about a penalty on weights, and what to do about it. */
export interface Advice {
  /**
   * `penalty-dominates`: it is more than 10 times the task's loss. `penalty-vanishes`: at the end of an epoch it is less than a thousandth.
   * `classes-unrehearsed`: classes compete that had no example in the epoch, which no penalty makes up for.
   */
  readonly code: 'penalty-dominates' | 'penalty-vanishes' | 'classes-unrehearsed';
  /** The name under which it reports. */
  readonly penalty: string;
  /** Measured: penalty / task loss; for `classes-unrehearsed`, classes without an example / classes that compete. */
  readonly ratio: number;
  readonly step: number;
  readonly message: string;
}

export interface AdvisedOptions {
  /** Names under which penalties report. Default those of this room. */
  readonly penalties?: readonly string[];
  /** Steps that a ratio is the mean of. Default 20. */
  readonly window?: number;
}

/** What is known of one penalty in the current run. */
interface Watched {
  /** The last steps' penalty and task loss. */
  readonly steps: { readonly penalty: number; readonly task: number }[];
  readonly told: Set<Advice['code']>;
  competing: Competing;
}

/**
 * Listens to `fit` and says when a weight penalty cannot do its work: it dominates, it vanishes, or there is nothing it could do.
 *
 * The ratio is `Σ P / Σ (L − ΣP)` over the last steps, P the penalty's report, L the loss. It is given when it is above 10, or, at the end
 * of an epoch (at the start of a task a penalty is 0 by construction), below 1/1000. The third finding is class-incremental learning with
 * a penalty alone, which is known to fail: classes that compete in the batches, without one row of theirs in a whole epoch.
 *
 * **Needs** `fit`'s events. Each finding is given once per run of `fit`; a new run is known by its steps starting again.
 * **Limits** a penalty that is 0 all the time (before the first task, or with λ = 0) is passed over. A penalty inside `weighted(…)` reports
 * its value without that weight, so its ratio is off by it.
 *
 * @param onAdvice gets each finding: print it, or keep it
 * @throws HoldfastError `bad-argument` if `window` is not a whole number ≥ 1
 * @see van de Ven et al., Three types of incremental learning, Nature Machine Intelligence 2022
 * @example
 * const onEvent = advised(({ message }) => console.log(message));
 * await fit(model, { objective: sum(crossEntropy(), ewc({ lambda: 1e4 })), data: batches(first, { head }), optimizer, onEvent, seed: 1 });
 */
export function advised(
  onAdvice: (advice: Advice) => void,
  { penalties = ['ewc', 'onlineEwc', 'l2sp', 'mas', 'si', 'rwalk'], window = 20 }: AdvisedOptions = {},
): (event: FitEvent) => void {
  requireCount('advised', 'window', window);
  let watched = new Map<string, Watched>();
  let last = 0;

  const tell = (one: Watched, advice: Advice) => {
    if (one.told.has(advice.code)) return;
    one.told.add(advice.code);
    onAdvice(advice);
  };

  function heardStep({ step, loss, reports }: StepEvent): void {
    if (step <= last) watched = new Map();
    last = step;
    const values = penalties.flatMap((name) => (typeof reports[name] === 'number' ? [[name, reports[name]] as const] : []));
    const task = loss - values.reduce((sum, [, value]) => sum + value, 0);
    for (const [penalty, value] of values) {
      const one = watched.get(penalty) ?? { steps: [], told: new Set(), competing: { open: [], seen: [] } };
      watched.set(penalty, one);
      one.steps.push({ penalty: value, task });
      if (one.steps.length > window) one.steps.shift();
      const classes = reports[`${penalty}.classes`];
      if (classes && typeof classes !== 'number') one.competing = joinedCompeting(one.competing, classes);
      const ratio = ratioOf(one);
      if (one.steps.length === window && ratio !== undefined && ratio > 10) tell(one, dominates(penalty, ratio, step));
    }
  }

  function heardEpoch(epoch: number, step: number): void {
    for (const [penalty, one] of watched) {
      const { open, seen } = one.competing;
      one.competing = { open: [], seen: [] };
      const ratio = ratioOf(one);
      if (ratio === undefined) continue;
      if (ratio < 1e-3) tell(one, vanishes(penalty, ratio, step));
      const compete = open.filter((is) => is).length;
      const without = open.filter((is, c) => is && !seen[c]).length;
      if (without > 0) tell(one, unrehearsed(penalty, without, compete, epoch, step));
    }
  }

  return (event) => {
    if (event.type === 'step') heardStep(event);
    if (event.type === 'epoch') heardEpoch(event.epoch, event.step);
  };
}

/** Undefined where there is no penalty to speak of, or no loss to compare it with. */
function ratioOf({ steps }: Watched): number | undefined {
  const total = (of: 'penalty' | 'task') => steps.reduce((sum, step) => sum + step[of], 0);
  const [penalty, task] = [total('penalty'), total('task')];
  return penalty > 0 && task > 0 ? penalty / task : undefined;
}

const dominates = (penalty: string, ratio: number, step: number): Advice => ({
  ...{ code: 'penalty-dominates', penalty, ratio, step },
  message: `${penalty}: the penalty is ${shown(ratio)} times the task's loss (step ${step}), so that little is learned: lower lambda, to a tenth at first.`,
});

const vanishes = (penalty: string, ratio: number, step: number): Advice => ({
  ...{ code: 'penalty-vanishes', penalty, ratio, step },
  message: `${penalty}: the penalty is ${shown(ratio)} times the task's loss (step ${step}), so that it holds hardly anything: raise lambda, to ten times at first.`,
});

const unrehearsed = (penalty: string, without: number, compete: number, epoch: number, step: number): Advice => ({
  ...{ code: 'classes-unrehearsed', penalty, ratio: without / compete, step },
  message: `${penalty}: ${without} of the ${compete} classes that compete had no example in epoch ${epoch}. They will be forgotten: a penalty on weights does not help in class-incremental learning. Keep examples with replay() and mix them in: batches(rows, { head, classes, rehearse: memory.draw(32) }).`,
});

const shown = (ratio: number): string => Number(ratio.toPrecision(2)).toString();
