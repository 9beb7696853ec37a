import { holding, joint, naive, rehearsing } from '../../examples/support/methods';
import type { Learner, Method } from '../../examples/support/inSequence';
import { crossEntropy, sum, type Term } from '../../src';
import { ewc, l2sp, mas, onlineEwc, replay, si, type Si } from '../../src/ewc';
import { agem } from '../../src/ewc/agem';
import { derpp } from '../../src/ewc/derpp';
import { gem } from '../../src/ewc/gem';
import { herding } from '../../src/ewc/herding';
import { klAcrossHeads, klPerHead, lwf, type LwfOptions } from '../../src/ewc/lwf';
import { ring } from '../../src/ewc/ring';
import { rwalk } from '../../src/ewc/rwalk';

/** Kept of each class by every memory. */
const perLabel = 10;

/** In the order in which they run. */
export const methods: Readonly<Record<string, Method>> = {
  naive,
  joint,
  'ewc-1e4': holding(() => ewc({ lambda: 1e4 })),
  'ewc-1e5': holding(() => ewc({ lambda: 1e5 })),
  'ewc-1e6': holding(() => ewc({ lambda: 1e6 })),
  'online-ewc-1e5': holding(() => onlineEwc({ lambda: 1e5, gamma: 1 })),
  'l2sp-0.1': anchoredAnew(0.1),
  'l2sp-0.1-start': startingPoint(0.1),
  // After the first task these three hold the way that it went about as firmly as EWC does with 1e5 (si: with 6e4).
  'si-1e3': walking(() => si({ lambda: 1e3 })),
  'mas-1': holding(() => mas({ lambda: 1 })),
  // A task has 24 steps.
  'rwalk-5': walking(() => rwalk({ lambda: 5, deltaT: 4 })),
  lwf: distilling({}),
  'lwf-trainable-heads': distilling({ frozenHeads: false }),
  replay: rehearsing(({ seed }) => replay({ perLabel, seed })),
  ring: rehearsing(() => ring({ perLabel })),
  herding: ({ model, batchSize }) => {
    const memory = herding({ perLabel });
    return { rehearse: memory.draw(batchSize), after: ({ rows, head }) => memory.remember(model, rows, { head }) };
  },
  derpp: ({ model, seed, batchSize }) => {
    const memory = derpp({ perLabel, seed });
    return {
      objective: memory.objective,
      rehearse: memory.draw(batchSize),
      after: ({ rows, head, classes }) => memory.remember(model, rows, { head, classes }),
    };
  },
  agem: projecting((memory, batchSize) => agem(memory.draw(batchSize))),
  // Every old task should have rows in each batch.
  gem: projecting((memory, batchSize) => gem(memory.draw(2 * batchSize))),
};

/** Held near the pretrained weights. */
function startingPoint(lambda: number): Method {
  return ({ model }) => {
    const start = l2sp({ lambda });
    start.consolidate(model);
    return { objective: sum(crossEntropy(), start), dispose: start.dispose };
  };
}

/** Held near the weights at the end of the task before. */
function anchoredAnew(lambda: number): Method {
  return ({ model }) => {
    const guard = l2sp({ lambda });
    return { objective: sum(crossEntropy(), guard), after: () => guard.consolidate(model), dispose: guard.dispose };
  };
}

/** What it needs is gathered while training. */
function walking(make: () => Term & Pick<Si, 'tracked' | 'consolidate' | 'dispose'>): Method {
  return ({ model }): Learner => {
    const guard = make();
    const { tracked, dispose } = guard;
    return { objective: sum(crossEntropy(), guard), tracked, after: () => guard.consolidate(model), dispose };
  };
}

function distilling(options: LwfOptions): Method {
  return ({ model, setting }): Learner => {
    const guard = lwf({ ...options, divergence: setting === 'cil' ? klAcrossHeads : klPerHead });
    return { objective: sum(crossEntropy(), guard), after: () => guard.consolidate(model), dispose: guard.dispose };
  };
}

function projecting(make: (memory: ReturnType<typeof replay>, batchSize: number) => ReturnType<typeof agem>): Method {
  return ({ seed, batchSize }) => {
    const memory = replay({ perLabel, seed });
    const guard = make(memory, batchSize);
    return { rehearse: guard, transforms: [guard], after: ({ rows, head }) => memory.remember(rows, { head }) };
  };
}
