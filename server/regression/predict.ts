import type { ModelRunner } from '../../engine/jobs.ts';
import type { PredictRegressionRequest } from '../ports.ts';

/** Runs the exported model on all x at once; returns y in their order. */
export async function predictRegression(
  models: ModelRunner,
  { key, model, x }: PredictRegressionRequest,
): Promise<Float32Array> {
  const program = await models.model(`task/${key}`, () => model);
  const { y } = await program.run({ x: { data: x, shape: [x.length, 1] } });
  if (!y) throw new Error('the exported model has no output named y');
  return y.data;
}
