import { describe, expect, it } from 'vitest';
import { fold, keyFrom } from '../../../../model/random.ts';
import { drawTask, families } from '../../../../training/studies/toy/families.ts';
import {
  gaussianProcess,
  oracleError,
  parametricLeastSquares,
} from '../../../../training/studies/toy/oracles.ts';

const points = { support: 10, query: 10 };
const reading = { xStd: Math.SQRT2, query: 'same' } as const;

describe('oracles', () => {
  it.each(families)('%s: least squares finds the function', (family) => {
    const errors = [1, 2, 3].map((seed) =>
      oracleError(parametricLeastSquares, drawTask(fold(keyFrom(seed), 'oracle'), reading, points, family)),
    );
    expect(errors.sort((a, b) => a - b)[1]).toBeLessThan(1e-3);
  });

  it('a Gaussian process goes through the support points', () => {
    const task = drawTask(keyFrom(5), reading, points, 'sinusoid');
    const interpolated = { ...task, queryX: task.supportX, queryY: task.supportY };
    expect(oracleError(gaussianProcess, interpolated)).toBeLessThan(1e-3);
  });
});
