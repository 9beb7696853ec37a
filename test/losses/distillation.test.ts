import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { gradientsOf } from '../../src/core/gradients';
import { stopGradient } from '../../src/core/stopGradient';
import type { Batch, Term } from '../../src/core/types';
import {
  cosineDistanceOf,
  embeddingDistillation,
  meanSimilarityOf,
  similarityDistillation,
  similarityDistillationOf,
} from '../../src/losses';
import { expectClose, valueOf, valuesOf } from '../support/close';
import { expectGradient } from '../support/expectGradient';
import { fixture } from '../support/fixture';
import { anyInputs, givenModel, type Given } from '../support/given';
import { scoped } from '../support/leaks';
import { toy, toyBatch } from '../support/toy';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

interface Measured {
  readonly loss: number;
  readonly gradients: Readonly<Record<string, number[]>>;
}
interface Numbers {
  readonly sizes: { readonly B: number; readonly H: number; readonly D: number };
  readonly pooled: number[];
  readonly projection: number[];
  readonly sameWidth: number[];
  readonly teacher: number[];
  readonly second: number[];
  readonly embedding: Measured;
  readonly projected: Measured;
  readonly similarity: Measured;
  readonly twoTeachers: Measured;
}
const torch = fixture<Numbers>('distillation.json');
const { B, H, D } = torch.sizes;
const pooled: Given = [torch.pooled, [B, H]];

const anyBatch = (): Batch => ({ inputs: anyInputs(), examples: [] });
const evaluated = (term: Term, given: Readonly<Record<string, Given>>) => gradientsOf(term, givenModel(given))(anyBatch());
const lossOf = (term: Term, given: Given) => valueOf(evaluated(term, { pooled: given }).loss);
const rowsOf = ([values, shape]: Given) => tf.tensor2d([...values], shape as [number, number]);

const texts = () =>
  toyBatch(
    [
      [1, 2, 3],
      [4, 5],
      [6, 1],
    ],
    [0, 2, 1],
  );
// What the teacher says of the three texts; it does not know the second.
const ofSix = () =>
  tf.tensor2d([
    [1, -2, 3, 0.5, 1, 1],
    [0, 0, 0, 0, 0, 0],
    [-1, 1, 0.5, 2, -1, 0],
  ]);
const ofTwo = () =>
  tf.tensor2d([
    [3, 1],
    [-1, 2],
    [1, 1],
  ]);

describe('by hand', () => {
  test(
    'the distance of directions: same 0, at a right angle 1, opposite 2, to nowhere 1',
    scoped(async () => {
      const x = tf.tensor2d([
        [3, 4],
        [3, 4],
        [3, 4],
        [3, 4],
        [3, 4],
      ]);
      const y = tf.tensor2d([
        [6, 8],
        [-4, 3],
        [-3, -4],
        [0, 0],
        [4, 3],
      ]);
      await expectClose(cosineDistanceOf(x, y), [0, 1, 2, 1, 1 - 24 / 25]);
    }),
  );

  test(
    'embedding distillation is the mean over the rows that the teacher knows',
    scoped(async () => {
      const given: Given = [
        [3, 4, 1, 1, 0, 2],
        [3, 2],
      ];
      const teacher = () =>
        tf.tensor2d([
          [4, 3],
          [0, 0],
          [0, -1],
        ]);
      expect(await lossOf(embeddingDistillation(teacher), given)).toBeCloseTo((1 / 25 + 2) / 2, 6);
    }),
  );

  test(
    'a projection maps before the comparison',
    scoped(async () => {
      // W p = (0, 5) of p = (3, 4), which is the teacher's direction.
      const weights: Record<string, Given> = {
        pooled: [
          [3, 4],
          [1, 2],
        ],
        map: [
          [4, -3, 0.6, 0.8, 0, 0],
          [3, 2],
        ],
      };
      const term = embeddingDistillation(() => tf.tensor2d([[0, 1, 0]]), { projection: 'map' });
      expect(await valueOf(evaluated(term, weights).loss)).toBeCloseTo(0, 6);
    }),
  );

  test(
    'teachers’ similarities: the mean over those that know both texts',
    scoped(async () => {
      const one = tf.tensor2d([
        [1, 0],
        [3, 4],
        [0, 0],
        [0, 0],
      ]);
      const other = tf.tensor2d([[2], [1], [-1], [0]]);
      const { similarities, known } = meanSimilarityOf([one, other]);
      const [values, knows] = await Promise.all([similarities.array(), known.array()]);
      expect(values[0]![1]).toBeCloseTo((0.6 + 1) / 2, 6);
      expect(values[0]![2]).toBeCloseTo(-1, 6);
      expect(values[1]![2]).toBeCloseTo(-1, 6);
      expect(knows).toEqual([
        [0, 1, 1, 0],
        [1, 0, 1, 0],
        [1, 1, 0, 0],
        [0, 0, 0, 0],
      ]);
    }),
  );

  test(
    'similarity distillation: cosines 0.6, 0 and 0.8 against 1, 1 and 1',
    scoped(async () => {
      const x = tf.tensor2d([
        [1, 0],
        [3, 4],
        [0, 1],
      ]);
      const ones = tf.ones<tf.Rank.R2>([3, 3]);
      const others = tf.sub<tf.Tensor2D>(1, tf.eye(3));
      await expectClose(similarityDistillationOf(x, ones, others), [0.16 + 1, 0.16 + 0.04, 1 + 0.04]);
      const same = () => [tf.ones<tf.Rank.R2>([3, 2])];
      expect(
        await lossOf(similarityDistillation(same), [
          [1, 0, 3, 4, 0, 1],
          [3, 2],
        ]),
      ).toBeCloseTo(2.4 / 6, 6);
    }),
  );
});

describe('gradients', () => {
  const projected = () => {
    const model = toy();
    const map = tf.variable(tf.randomNormal([2, 6], 0, 0.5, 'float32', 3));
    return { ...model, weights: { ...model.weights, map }, trainable: [...model.trainable, 'map'] };
  };
  const terms: Record<string, Term> = {
    'embedding distillation': embeddingDistillation(ofSix),
    'similarity distillation of two teachers': similarityDistillation(() => [ofSix(), ofTwo()]),
  };
  for (const [name, term] of Object.entries(terms)) {
    test(
      `${name}: central differences`,
      scoped(() => expectGradient(term, toy(), texts())),
    );
  }
  test(
    'embedding distillation through a projection: central differences, of the projection too',
    scoped(async () => {
      const term = embeddingDistillation(ofTwo, { projection: 'map' });
      const model = projected();
      expect(Object.keys(gradientsOf(term, model)(texts()).grads)).toContain('map');
      await expectGradient(term, model, texts());
    }),
  );
});

describe('PyTorch', () => {
  const sameWidth = () => rowsOf([torch.sameWidth, [B, H]]);
  const teacher = () => rowsOf([torch.teacher, [B, D]]);
  const second = () => rowsOf([torch.second, [B, 6]]);
  const projection: Given = [torch.projection, [D, H]];
  const cases: [string, Measured, Term, Readonly<Record<string, Given>>][] = [
    ['embedding distillation', torch.embedding, embeddingDistillation(sameWidth), { pooled }],
    [
      'embedding distillation through a projection, one row unknown',
      torch.projected,
      embeddingDistillation(teacher, { projection: 'projection' }),
      { pooled, projection },
    ],
    ['similarity distillation', torch.similarity, similarityDistillation(() => [sameWidth()]), { pooled }],
    [
      'similarity distillation of two teachers that do not know all rows',
      torch.twoTeachers,
      similarityDistillation(() => [teacher(), second()]),
      { pooled },
    ],
  ];
  for (const [name, want, term, given] of cases) {
    test(
      `${name}: value and gradients`,
      scoped(async () => {
        const { loss, grads } = evaluated(term, given);
        expect(await valueOf(loss)).toBeCloseTo(want.loss, 5);
        expect(Object.keys(grads).sort()).toEqual(Object.keys(want.gradients).sort());
        for (const [weight, values] of Object.entries(want.gradients))
          await expectClose(grads[weight]!, values, { absolute: 1e-5 });
      }),
    );
  }
});

describe('limits', () => {
  const teachers: Record<string, (targets: () => tf.Tensor2D) => Term> = {
    'embedding distillation': (targets) => embeddingDistillation(targets),
    'similarity distillation': (targets) => similarityDistillation(() => [targets()]),
  };
  for (const [name, termOf] of Object.entries(teachers)) {
    test(
      `${name} at the teacher itself is 0 without a slope, of whatever length its vectors are`,
      scoped(async () => {
        const scaled = () => rowsOf(pooled).mul<tf.Tensor2D>(tf.tensor2d([[1], [7], [0.1], [30], [2]]));
        const { loss, grads } = evaluated(termOf(scaled), { pooled });
        await expectClose(loss, [0]);
        await expectClose(grads['pooled']!, Array<number>(B * H).fill(0));
      }),
    );

    test(
      `${name}: a teacher that is the model is 0`,
      scoped(async () => {
        const model = toy();
        const batch = texts();
        const self = () => stopGradient(() => model.forward(batch.inputs).pooled);
        await expectClose(gradientsOf(termOf(self), model)(batch).loss, [0]);
      }),
    );

    test(
      `${name}: rows that the teacher does not know count nothing`,
      scoped(async () => {
        const known = tf.tensor1d([0, 2, 4], 'int32');
        const some = () => tf.gather(rowsOf([torch.sameWidth, [B, H]]), known);
        const all = () => rowsOf([torch.sameWidth, [B, H]]).mul<tf.Tensor2D>(tf.tensor2d([[1], [0], [1], [0], [1]]));
        const values = await valuesOf(tf.gather(rowsOf(pooled), known));
        const { loss, grads } = evaluated(termOf(all), { pooled });
        expect(await valueOf(loss)).toBeCloseTo(await lossOf(termOf(some), [values, [3, H]]), 6);
        const slopes = (await grads['pooled']!.array()) as number[][];
        for (const row of [1, 3]) for (const slope of slopes[row]!) expect(Math.abs(slope)).toBe(0);
      }),
    );

    test(
      `${name}: without any known row it is exactly 0, its gradient too`,
      scoped(async () => {
        const { loss, grads } = evaluated(
          termOf(() => tf.zeros([B, H])),
          { pooled },
        );
        expect(await valueOf(loss)).toBe(0);
        for (const slope of await valuesOf(grads['pooled']!)) expect(Math.abs(slope)).toBe(0);
      }),
    );

    test(
      `${name}: a model's vector of zeros gives a finite gradient`,
      scoped(async () => {
        const zeros: Given = [
          [0, 0, 1, 2],
          [2, 2],
        ];
        const { loss, grads } = evaluated(
          termOf(() => tf.ones([2, 2])),
          { pooled: zeros },
        );
        for (const value of [...(await valuesOf(loss)), ...(await valuesOf(grads['pooled']!))])
          expect(Number.isFinite(value)).toBe(true);
      }),
    );
  }

  test(
    'similarity distillation does not see a rotation',
    scoped(async () => {
      const given: Given = [
        [1, 2, -3, 1, 0.5, 4],
        [3, 2],
      ];
      const turned = (): tf.Tensor2D =>
        tf.matMul(
          rowsOf(given),
          tf.tensor2d([
            [0.6, -0.8],
            [0.8, 0.6],
          ]),
        );
      expect(
        await lossOf(
          similarityDistillation(() => [turned()]),
          given,
        ),
      ).toBeCloseTo(0, 6);
      expect(await lossOf(embeddingDistillation(turned), given)).toBeGreaterThan(0.1);
    }),
  );

  test(
    'similarity distillation of one row is exactly 0, its gradient too',
    scoped(async () => {
      const one: Given = [
        [1, 2, 3],
        [1, 3],
      ];
      const { loss, grads } = evaluated(
        similarityDistillation(() => [tf.tensor2d([[4, -5]])]),
        { pooled: one },
      );
      expect(await valueOf(loss)).toBe(0);
      for (const slope of await valuesOf(grads['pooled']!)) expect(Math.abs(slope)).toBe(0);
    }),
  );

  test(
    'the same teacher twice is the teacher once',
    scoped(async () => {
      const teacher = () => rowsOf([torch.teacher, [B, D]]);
      const twice = await lossOf(
        similarityDistillation(() => [teacher(), teacher()]),
        pooled,
      );
      expect(twice).toBeCloseTo(
        await lossOf(
          similarityDistillation(() => [teacher()]),
          pooled,
        ),
        6,
      );
    }),
  );

  test(
    'a projection that is no weight is refused by name',
    scoped(() => {
      const term = embeddingDistillation(ofTwo, { projection: 'map' });
      expect(() => gradientsOf(term, toy())(texts())).toThrow("lack 'map'");
    }),
  );
});
