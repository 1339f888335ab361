import type { ModelRunner, TensorValue } from '../../model/graph/executor.ts';
import type { ModelFile } from '../ports.ts';

/**
 * Runs an exported model on all rows of its one input, at most `batch` in a run, which bounds the memory of a run.
 * Rows of the outputs are in the order of the input's; `rows` fills [count, ...shape] from the row `start` on.
 */
export async function runModel(
  models: ModelRunner,
  { key, model }: ModelFile,
  input: {
    readonly name: string;
    /** of one row */
    readonly shape: readonly number[];
    readonly count: number;
    readonly rows: (start: number, count: number) => Float32Array;
  },
  batch: number,
): Promise<Record<string, TensorValue>> {
  const program = await models.model(`task/${key}`, () => model);
  const parts: Record<string, TensorValue>[] = [];
  for (let start = 0; start < input.count; start += batch) {
    const count = Math.min(batch, input.count - start);
    const data = input.rows(start, count);
    parts.push(await program.run({ [input.name]: { data, shape: [count, ...input.shape] } }));
  }
  const [first = {}, ...others] = parts;
  if (others.length === 0) return first;
  return Object.fromEntries(
    Object.keys(first).map((name) => [name, joined(parts.map((part) => part[name]!))]),
  );
}

function joined(parts: readonly TensorValue[]): TensorValue {
  const data = new Float32Array(parts.reduce((length, part) => length + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  const rows = parts.reduce((total, { shape }) => total + shape[0]!, 0);
  return { data, shape: [rows, ...parts[0]!.shape.slice(1)] };
}
