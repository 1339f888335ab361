import { describe, expect, it } from 'vitest';
import { adamInit, adamUpdate } from '../../model/adam.ts';

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
