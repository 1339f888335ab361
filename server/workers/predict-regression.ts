import type { ModelRunner } from '../../model/graph/executor.ts';
import type { PredictRegressionRequest } from '../ports.ts';
import { runModel } from './run-model.ts';

/** Runs the exported model on all x at once; returns y in their order. */
export async function predictRegression(
  models: ModelRunner,
  request: PredictRegressionRequest,
): Promise<Float32Array> {
  const { x } = request;
  const input = { name: 'x', shape: [1], count: x.length, rows: () => x };
  const { y } = await runModel(models, request, input, x.length);
  if (!y) throw new Error('the exported model has no output named y');
  return y.data;
}
