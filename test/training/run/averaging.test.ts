import { describe, expect, it } from 'vitest';
import { average } from '../../../training/run/averaging.ts';

describe('average', () => {
  it('of the first steps gives each a fair weight, of later ones the decay', () => {
    const values = Float32Array.of(1, 0);
    average(values, Float32Array.of(0, 10), { decay: 0.99, steps: 0 });
    expect(values).toEqual(Float32Array.of(0, 10));
    average(values, Float32Array.of(10, 0), { decay: 0.99, steps: 1 });
    expect(values[0]).toBeCloseTo(9, 6);
    expect(values[1]).toBeCloseTo(1, 6);
    average(values, Float32Array.of(10, 1), { decay: 0.99, steps: 10_000 });
    expect(values[0]).toBeCloseTo(9.01, 6);
    expect(values[1]).toBeCloseTo(1, 6);
  });

  it('of parameters that stand still is the parameters', () => {
    const values = new Float32Array(3);
    const parameters = Float32Array.of(1, -2, 3);
    for (let steps = 0; steps < 500; steps++) average(values, parameters, { decay: 0.95, steps });
    values.forEach((value, i) => expect(value).toBeCloseTo(parameters[i]!, 4));
  });
});
