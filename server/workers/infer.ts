import type { ModelRunner, TensorValue } from '../../model/graph/executor.ts';
import type { InferRequest } from '../ports.ts';
import { runModel } from './run-model.ts';

/** Runs the exported model on a tensor as it is given. */
export async function infer(
  models: ModelRunner,
  request: InferRequest,
): Promise<Record<string, TensorValue>> {
  const { name, data, shape } = request.input;
  const [count = 0, ...row] = shape;
  const length = data.length / count;
  const rows = (start: number, taken: number) => data.subarray(start * length, (start + taken) * length);
  return runModel(models, request, { name, shape: row, count, rows }, request.batch);
}
