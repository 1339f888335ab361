import { expect, it } from 'vitest';
import { viewsOfModels } from '../../../training/evaluation/evaluated-domains.ts';

it('computes the views of every checkpoint that answers, not of the first alone', () => {
  const mirrored = { mirroring: { shots: 2 } };
  const cropped = { crops: { shots: 1, count: 4 } };
  expect(viewsOfModels([{}], [1, 5])).toEqual({ mirror: false, crops: 0, served: true });
  expect(viewsOfModels([{}, mirrored, cropped], [1, 5])).toEqual({ mirror: true, crops: 4, served: true });
  expect(viewsOfModels([mirrored, cropped], [5])).toEqual({ mirror: true, crops: 0, served: true });
});
