import { describe, expect, test } from 'vitest';
import { fromBfloat16, fromFloat16, toFloat16 } from '../../src/model/float16';

describe('float16', () => {
  test('by hand', () => {
    const bits = Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x7bff, 0x0001, 0x8000, 0x7c00);
    // 1, −2, 0.333…, the largest, the smallest subnormal, −0, ∞
    expect([...fromFloat16(bits)]).toEqual([1, -2, 0.333251953125, 65504, 2 ** -24, -0, Infinity]);
    expect(fromFloat16(Uint16Array.of(0x7e00))[0]).toBeNaN();
  });

  test('every one of the 65,536 survives the way to float32 and back', () => {
    const all = Uint16Array.from({ length: 0x10000 }, (_, half) => half);
    const back = toFloat16(fromFloat16(all));
    const isNaN16 = (half: number) => (half & 0x7c00) === 0x7c00 && (half & 0x3ff) !== 0;
    expect([...all].filter((half) => (isNaN16(half) ? !isNaN16(back[half]!) : back[half] !== half))).toEqual([]);
  });

  test('rounds to the nearest, ties to even', () => {
    const unit = 2 ** -10;
    // Halfway between 1 and the next goes down to the even one, halfway above that goes up to the even one.
    const values = Float32Array.of(
      1 + unit / 2,
      1 + (3 * unit) / 2,
      1 + unit / 2 + 2 ** -20,
      65519,
      65520,
      2 ** -25,
      2 ** -25 * 1.01,
      1e-30,
      -1e30,
    );
    expect([...fromFloat16(toFloat16(values))]).toEqual([1, 1 + 2 * unit, 1 + unit, 65504, Infinity, 0, 2 ** -24, 0, -Infinity]);
  });
});

test('bfloat16 is the upper half of a float32', () => {
  expect([...fromBfloat16(Uint16Array.of(0x3f80, 0xc040, 0x0000, 0x7f80))]).toEqual([1, -3, 0, Infinity]);
});
