import { describe, expect, it } from 'vitest';
import { adamInit, adamUpdate } from '../../../training/optimizer/adam.ts';
import { addInto } from '../../../training/optimizer/kernels/vectors.ts';
import { keyFrom, normal } from '../../../model/random.ts';

describe('Adam', () => {
  it('follows Algorithm 1 of Kingma & Ba in float64, with a rate a parameter and a scaled gradient', () => {
    const rates = [1e-3, 1e-2, 0];
    const parameters = Float32Array.from([1, -2, 3]);
    let state = adamInit(3);
    const exact = { parameters: [1, -2, 3], first: [0, 0, 0], second: [0, 0, 0] };
    for (let t = 1; t <= 20; t++) {
      const gradient = [Math.sin(t), -3 * Math.cos(t), 5];
      state = adamUpdate(state, parameters, Float32Array.from(gradient), Float32Array.from(rates), 0.5);
      gradient.forEach((whole, i) => {
        const g = 0.5 * whole;
        const m = (exact.first[i] = 0.9 * exact.first[i]! + 0.1 * g);
        const v = (exact.second[i] = 0.999 * exact.second[i]! + 0.001 * g * g);
        const step = m / (1 - 0.9 ** t) / (Math.sqrt(v / (1 - 0.999 ** t)) + 1e-8);
        exact.parameters[i]! -= rates[i]! * step;
      });
    }
    expect(state.step).toBe(20);
    parameters.forEach((value, i) => expect(value).toBeCloseTo(exact.parameters[i]!, 5));
    expect(parameters[2]).toBe(3);
  });

  it('takes a gradient whose square is no float32 when the scale makes it small', () => {
    const parameters = Float32Array.from([1, 1]);
    const rates = Float32Array.from([0.1, 0.1]);
    adamUpdate(adamInit(2), parameters, Float32Array.from([3e38, -1e20]), rates, 1e-37);
    expect(parameters[0]).toBeCloseTo(0.9, 5);
    expect(Number.isFinite(parameters[1])).toBe(true);
  });
});

describe('vectors longer than a block', () => {
  const length = 40_003;
  const draw = (seed: number) => Float32Array.from(normal(keyFrom(seed), length));

  it('are summed, and the norm of the sum has no part of another block', () => {
    const [sum, other] = [draw(1), draw(2)];
    const exact = sum.map((x, i) => x + other[i]!);
    const norm = addInto(sum, other);
    expect(sum).toEqual(exact);
    expect(norm).toBeCloseTo(Math.sqrt(exact.reduce((total, x) => total + x * x, 0)), 4);
  });

  it('take the same step of Adam as their parts', () => {
    const rates = new Float32Array(length).fill(1e-3);
    const whole = draw(3);
    const parts = Float32Array.from(whole);
    const gradient = draw(4);
    adamUpdate(adamInit(length), whole, gradient, rates);
    for (let start = 0; start < length; start += 10_001) {
      const part = (vector: Float32Array) => vector.subarray(start, start + 10_001);
      adamUpdate(adamInit(part(parts).length), part(parts), part(gradient), part(rates));
    }
    expect(parts).toEqual(whole);
  });
});
