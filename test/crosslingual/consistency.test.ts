import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { format } from '../../src/core/format';
import { gradientsOf } from '../../src/core/gradients';
import { sum, weighted } from '../../src/core/objective';
import type { Encoded, Labeled, Model, Term, Weights } from '../../src/core/types';
import { infoNce, pooledConsistency, type Parallel } from '../../src/crosslingual/aligned';
import { byLanguage, wilsonInterval } from '../../src/crosslingual/byLanguage';
import {
  classMean,
  consistency,
  detachedKl,
  teacherConsistency,
  wholeKl,
  type CodeSwitched,
} from '../../src/crosslingual/consistency';
import { crossEntropy } from '../../src/losses/crossEntropy';
import { expectClose, valueOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { fixture } from '../support/fixture';
import { anyInputs } from '../support/given';
import { scoped } from '../support/leaks';
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Measured {
  readonly loss: number;
  readonly p: number[];
  readonly q: number[];
}
type Name = 'detached' | 'detachedClassMean' | 'whole' | 'teacher' | 'pooled' | 'infoNce';
const torch = fixture<
  Record<Name, Measured> & {
    readonly sizes: [number, number];
    readonly p: number[];
    readonly q: number[];
    readonly wilson: readonly [number, number, number, number][];
  }
>('crosslingual.json');

/** Says its weight `p` of `batch.inputs` and its weight `q` of all else. */
function twoFaced(inputs: Encoded): Model {
  const weights: Weights = {
    p: tf.variable(tf.tensor2d(torch.p, torch.sizes)),
    q: tf.variable(tf.tensor2d(torch.q, torch.sizes)),
  };
  return {
    ...{ weights, trainable: ['p', 'q'], hiddenSize: 1, embeddingTable: 'none' },
    tokenLogits: (hidden) => hidden,
    forward(given, { weights: at = weights } = {}) {
      const said = at[given === inputs ? 'p' : 'q'] as tf.Tensor2D;
      return { logits: said, pooled: said, hidden: tf.zeros([1, 1, 1]) };
    },
  };
}

const batch = (): Labeled & CodeSwitched & Parallel => {
  const own = toyBatch([[1, 2, 3], [4, 5], [6, 1]], [0, 2, 1]); // prettier-ignore
  const other = toyBatch([[1, 7, 3], [4, 8], [9, 1]], [0, 2, 1]).inputs; // prettier-ignore
  return { ...own, codeSwitched: other, translation: other };
};

describe('terms', () => {
  test(
    'by hand: p = (¾, ¼), q = (¼, ¾): both directions are ½ ln 3',
    scoped(async () => {
      const p = tf.log(tf.tensor2d([0.75, 0.25], [1, 2]));
      const q = tf.log(tf.tensor2d([0.25, 0.75], [1, 2]));
      for (const form of [detachedKl, wholeKl]) await expectClose(form(p, q), [Math.log(3)]);
      await expectClose(classMean(detachedKl(p, q), 2), [Math.log(3) / 2]);
    }),
  );

  test(
    'gradients: central differences',
    scoped(async () => {
      const few = { weights: ['dense.weight', 'classifier.0.weight'], entries: 2 };
      const own = { weights: ['dense.weight'], entries: 3 };
      const teacher = toy({ seed: 4 });
      await expectGradient(consistency({ divergence: wholeKl }), toy(), batch(), few);
      await expectGradient(teacherConsistency({ teacher }), toy(), batch(), few);
      await expectGradient(pooledConsistency(), toy(), batch(), own);
      await expectGradient(infoNce({ temperature: 0.5 }), toy(), batch(), own);
    }),
  );

  const teacher = { forward: () => ({ logits: tf.tensor2d(torch.p, torch.sizes), pooled: tf.zeros([1, 1]), hidden: tf.zeros([1, 1, 1]) }) } as unknown as Model; // prettier-ignore
  const terms: Record<Name, Term<CodeSwitched & Parallel>> = {
    detached: consistency(),
    detachedClassMean: consistency({ reduction: classMean }),
    whole: consistency({ divergence: wholeKl }),
    teacher: teacherConsistency({ teacher }),
    pooled: pooledConsistency(),
    infoNce: infoNce(),
  };
  test.each(Object.keys(terms) as Name[])('equals PyTorch, value and gradients: %s', (name) =>
    scoped(async () => {
      const inputs = anyInputs();
      const other = anyInputs();
      const { loss, grads } = gradientsOf(
        terms[name],
        twoFaced(inputs),
      )({
        ...{ inputs, examples: [], codeSwitched: other, translation: other },
      });
      const near = { absolute: 1e-5, relative: 1e-5 };
      await expectClose(loss, torch[name].loss, near);
      if (name !== 'teacher') await expectClose(grads['p']!, torch[name].p, near);
      await expectClose(grads['q']!, torch[name].q, near);
    })(),
  );

  test(
    'limits: equal views are 0, gradient included; so is a teacher that agrees',
    scoped(async () => {
      const model = toy();
      const given = batch();
      const same = { ...given, codeSwitched: given.inputs };
      for (const term of [consistency(), consistency({ divergence: wholeKl }), teacherConsistency({ teacher: model })]) {
        const { loss, grads } = gradientsOf(term, model)(same);
        await expectClose(loss, 0);
        for (const grad of Object.values(grads)) await expectClose(grad, Array<number>(grad.size).fill(0));
      }
      await expectClose(gradientsOf(pooledConsistency(), model)(same).loss, 0);
    }),
  );

  test(
    'closed classes take no part, in the divergence and in the mean over the classes',
    scoped(async () => {
      const model = toy();
      const given = { ...batch(), classes: tf.tensor2d([1, 1, 0, 1, 1, 0, 1, 1, 0], [3, 3]) };
      const { loss, grads } = gradientsOf(consistency(), model)(given);
      await expectClose(grads['classifier.1.weight']!, Array<number>(6).fill(0));
      await expectClose(gradientsOf(consistency({ reduction: classMean }), model)(given).loss, (await valueOf(loss)) / 2);
      expect(await valueOf(loss)).toBeGreaterThan(1e-5);
    }),
  );

  test(
    'a batch without the view does not compile',
    scoped(async () => {
      const objective = sum(crossEntropy(), weighted(5, consistency()));
      const { codeSwitched: _, ...without } = batch();
      const evaluate = gradientsOf(objective, toy());
      expect(() => {
        // @ts-expect-error the view codeSwitched is missing
        evaluate(without);
      }).toThrow();
      expect(await valueOf(evaluate(batch()).loss)).toBeGreaterThan(0);
      expect(() => infoNce({ temperature: 0 })).toThrow('infoNce: temperature must be a number');
    }),
  );
});

describe('byLanguage', () => {
  const results = { en: { accuracy: 0.9, total: 100 }, de: { accuracy: 0.8, total: 100 }, zh: { accuracy: 0.5, total: 100 } };

  test('by hand: the gap is 0.9 − 0.65; a table', () => {
    const report = byLanguage(results, { source: 'en' });
    expect(report.transferGap).toBeCloseTo(0.25, 12);
    expect(report.worst).toBe('zh');
    expect(format(report).split('\n')).toHaveLength(5);
    expect(format(report)).toContain('transfer gap 0.250, worst zh');
  });

  test('a plot: the source first, each dot between the ends of its interval', () => {
    const svg = byLanguage({ de: results.de, 'e<n': results.en }, { source: 'e<n' }).plot();
    expect(svg).toMatch(/^<svg [^>]*>[^]*<\/svg>$/);
    expect([...svg.matchAll(/text-anchor="end">([^<]*)</g)].map(([, name]) => name)).toEqual(['e&lt;n', 'de']);
    const dots = [...svg.matchAll(/x1="([\d.]+)" x2="([\d.]+)"[^>]*stroke-width="2"\/><circle cx="([\d.]+)"/g)].map((dot) =>
      dot.slice(1).map(Number),
    );
    expect(dots.map(([, , x]) => x)).toEqual([90 + 300 * 0.9, 90 + 300 * 0.8]);
    for (const [low, high, x] of dots) expect(low! < x! && x! < high!).toBe(true);
    expect(svg).toContain('<line x1="360.0" x2="360.0" y1="0"');
  });

  test('Wilson’s interval equals SciPy', () => {
    for (const [right, total, low, high] of torch.wilson) {
      const [ours, theirs] = wilsonInterval(right / total, total);
      expect(ours).toBeCloseTo(low, 6);
      expect(theirs).toBeCloseTo(high, 6);
    }
  });

  test('without another language, or without texts, it is refused', () => {
    expect(() => byLanguage({ en: results.en }, { source: 'en' })).toThrow("needs results of 'en' and of another language");
    expect(() => byLanguage({ ...results, de: { accuracy: 0, total: 0 } }, { source: 'en' })).toThrow('total');
  });
});
