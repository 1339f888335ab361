import { expect, it } from 'vitest';
import { DivergenceError, DivergenceGuard } from '../../../training/run/divergence.ts';

const fault = { task: 'task 2 (birds)', values: 'a loss of NaN' };

it('a run ends at the first fault where one is the limit, and says where', () => {
  const guard = new DivergenceGuard(5, 1);
  guard.note(0, null);
  expect(() => guard.note(7, fault)).toThrow(
    new DivergenceError('not finite at iteration 7, task 2 (birds), seed 5: a loss of NaN'),
  );
});

it('only faults that follow one another are counted together', () => {
  const guard = new DivergenceGuard(5, 3);
  for (const found of [fault, fault, null, fault, fault]) guard.note(1, found);
  expect(() => guard.note(6, { values: 'a gradient' })).toThrow(
    'not finite at 3 iterations in a row up to 7, seed 5: a gradient',
  );
});
