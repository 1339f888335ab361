import type request from 'supertest';
import type { Schema } from '../../../contract/schema.ts';

/** Eight points of a sine. */
export const support: readonly (readonly [number, number])[] = Array.from({ length: 8 }, (_, i) => {
  const x = (i - 3.5) / 2;
  return [x, Math.sin(x)];
});

export const regressionOf = (response: request.Response) => response.body as Schema<'RegressionTask'>;

export const predictionsOf = (response: request.Response) =>
  (response.body as Schema<'RegressionPredictions'>).predictions;
