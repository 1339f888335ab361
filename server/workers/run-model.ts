import type { ModelRunner, TensorValue } from '../../model/graph/executor.ts';
import { sizeOf } from '../../model/graph/shapes.ts';
import type { ModelFile } from '../ports.ts';

/** Bytes of the input of one run: what a run keeps of memory is many times as much. 25 photos of 84 px, 7 of 160. */
const runBytes = 2.25 * 1024 ** 2;

/**
 * Runs an exported model on all rows of its one input, at most `batch` and `runBytes` in a run.
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
  const most = Math.max(1, Math.min(batch, Math.floor(runBytes / (4 * sizeOf(input.shape)))));
  for (let start = 0; start < input.count; start += most) {
    const count = Math.min(most, input.count - start);
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
