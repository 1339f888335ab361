import type { TensorValue, TensorValues } from '../executor.ts';
import type { GraphFunction } from '../graph.ts';

/** ONNX has one namespace for inputs and outputs, and an updated weight keeps its name: so results have this before theirs. */
const prefix = 'result.';

/** The function with outputs that no input is named as. */
export const withResultNames = ({ name, outputs }: GraphFunction): GraphFunction => ({
  name,
  outputs: Object.fromEntries(Object.entries(outputs).map(([key, tensor]) => [prefix + key, tensor])),
});

/** The results of such a function under their own names. */
export const withoutResultNames = (results: TensorValues): Record<string, TensorValue> =>
  Object.fromEntries(Object.entries(results).map(([name, value]) => [name.slice(prefix.length), value]));
