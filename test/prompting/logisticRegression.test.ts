import { describe, expect, test } from 'vitest';
import { lbfgs } from '../../src/prompting/lbfgs';
import { logisticRegression } from '../../src/prompting/logisticRegression';
import { expectClose } from '../support/close';
import { fixture } from '../support/fixture';

interface Numbers {
  readonly regressions: readonly {
    readonly inputs: number[][];
    readonly classes: number[];
    readonly C: number;
    readonly weights: number[];
    readonly bias: number[];
    readonly unseen: number[];
    readonly chances: number[];
  }[];
}
const { regressions } = fixture<Numbers>('contrastive.json');

const softmax = (logits: Float64Array) => {
  const shares = logits.map(Math.exp);
  return shares.map((share) => share / shares.reduce((sum, value) => sum + value, 0));
};

describe('lbfgs', () => {
  test('finds the minimum of a long valley', () => {
    const scales = Float64Array.from({ length: 50 }, (_, i) => 10 ** (i / 25));
    const { x, converged, iterations } = lbfgs(
      (at, gradient) => {
        let sum = 0;
        at.forEach((value, i) => {
          const off = value - i;
          gradient[i] = scales[i]! * off;
          sum += (scales[i]! * off * off) / 2;
        });
        return sum;
      },
      new Float64Array(50),
      { tolerance: 1e-7, iterations: 150 },
    );
    expect(converged).toBe(true);
    expect(iterations).toBeGreaterThan(0);
    x.forEach((value, i) => expect(value).toBeCloseTo(i, 5));
  });

  test('says where the iterations ran out', () => {
    const quartic = ([x = 0]: Float64Array, gradient: Float64Array) => {
      gradient[0] = 4 * (x - 5) ** 3;
      return (x - 5) ** 4;
    };
    const options = { tolerance: 1e-12, iterations: 3 };
    expect(lbfgs(quartic, new Float64Array(1), options)).toMatchObject({ converged: false, iterations: 3 });
  });
});

describe('by hand', () => {
  test('one number, two classes: w solves 2 (1 − p) = w / λ⁻¹, and the bias is 0', () => {
    // Inputs 1 and −1: L = 2 ln(1 + e^−w) + λ/2 w², so 2 / (1 + e^w) = λ w.
    const { weights, bias, classCount, logits } = logisticRegression([[1], [-1]], [1, 0], { l2: 0.5 });
    const [w = NaN] = weights;
    expect(2 / (1 + Math.exp(w))).toBeCloseTo(0.5 * w, 7);
    expect(bias[0]).toBeCloseTo(0, 7);
    expect(classCount).toBe(2);
    expect([...logits([3])]).toEqual([0, 3 * w + bias[0]!]);
  });

  test('three classes: the penalised gradient is 0', () => {
    const [inputs, classes] = [[[1, 0], [0, 1], [-1, -1], [0.5, 0.2]], [0, 1, 2, 1]]; // prettier-ignore
    const { weights, bias, logits } = logisticRegression(inputs, classes, { l2: 0.3 });
    const errors = inputs.map((x, n) => softmax(logits(x)).map((chance, k) => chance - (classes[n] === k ? 1 : 0)));
    for (let k = 0; k < 3; k++) {
      const slope = (d: number) => inputs.reduce((sum, x, n) => sum + errors[n]![k]! * x[d]!, 0);
      for (let d = 0; d < 2; d++) expect(slope(d) + 0.3 * weights[2 * k + d]!).toBeCloseTo(0, 6);
      expect(errors.reduce((sum, error) => sum + error[k]!, 0)).toBeCloseTo(0, 6);
    }
    expect(bias).toHaveLength(3);
  });
});

describe('scikit-learn', () => {
  test.each(regressions.map((one) => [Math.max(...one.classes) + 1, one] as const))(
    '%s classes: coefficients, intercepts and probabilities',
    async (_, { inputs, classes, C, weights, bias, unseen, chances }) => {
      const ours = logisticRegression(inputs, classes, { l2: 1 / C });
      expect(ours.converged).toBe(true);
      await expectClose(ours.weights, weights, { absolute: 1e-4 });
      // Among more than two classes only differences of intercepts mean anything.
      const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
      const centred = (values: ArrayLike<number>) =>
        Array.from(values, (value) => (values.length > 1 ? value - mean(values) : value));
      await expectClose(centred(ours.bias), centred(bias), { absolute: 1e-4 });
      await expectClose(softmax(ours.logits(unseen)), chances, { absolute: 1e-5 });
    },
  );
});

describe('limits', () => {
  test('a huge penalty leaves the frequencies of the classes', async () => {
    const { logits } = logisticRegression([[1], [2], [3], [4]], [0, 1, 1, 2], { l2: 1e9 });
    await expectClose(softmax(logits([7])), [0.25, 0.5, 0.25], { absolute: 1e-5 });
  });

  test('a small one separates what can be separated, without numbers that overflow', () => {
    const { weights, logits } = logisticRegression([[1000], [-1000]], [1, 0], { l2: 1e-6 });
    expect(weights[0]).toBeGreaterThan(0);
    expect(logits([1])[1]).toBeGreaterThan(0);
    expect([...weights].every(Number.isFinite)).toBe(true);
  });

  test('float32 and plain numbers are the same inputs', () => {
    const inputs = [[1, 0.5], [0, 1], [2, 2]]; // prettier-ignore
    const plain = logisticRegression(inputs, [0, 1, 0]);
    expect(logisticRegression(inputs.map((input) => Float32Array.from(input)), [0, 1, 0]).weights).toEqual(plain.weights); // prettier-ignore
  });

  test('what cannot be fitted is refused', () => {
    expect(() => logisticRegression([[1], [2]], [0, 0])).toThrow('all vectors have one class');
    expect(() => logisticRegression([[1], [2, 3]], [0, 1])).toThrow('vector 1 has 1 numbers, vector 2 has 2');
    expect(() => logisticRegression([[1], [NaN]], [0, 1])).toThrow('vector 2 has a number that is not finite');
    expect(() => logisticRegression([[1], [2]], [0])).toThrow('there are 2 vectors, but 1 classes');
    expect(() => logisticRegression([[1], [2]], [0, 1], { l2: 0 })).toThrow('l2 must be a number');
    expect(() => logisticRegression([[1], [2]], [0, 1]).logits([1, 2])).toThrow('wanted a vector of 1 numbers, got 2');
  });
});
