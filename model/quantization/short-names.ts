import type { OnnxModel, OnnxNode } from '../graph/onnx/encode.ts';

const letters = Array.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ');

/** Attributes of convolutions that say what is meant without them; `kernel_shape` stays, since runtimes ask for it. */
const usual: Readonly<Record<string, readonly number[]>> = {
  strides: [1, 1],
  dilations: [1, 1],
  pads: [0, 0, 0, 0],
  group: [1],
};

/**
 * The same graph in fewer bytes: tensors but its inputs and outputs are named by letters, nodes not at all, and
 * convolutions do not say what is usual.
 */
export function withShortNames(model: OnnxModel): OnnxModel {
  const names = new Map([...model.inputs, ...model.outputs].map(({ name }) => [name, name]));
  names.set('', ''); // an input that is left out
  const taken = new Set(names.values());
  let count = 0;
  const nextName = (): string => {
    let name: string;
    do name = lettersOf(count++);
    while (taken.has(name));
    return name;
  };
  const short = (name: string): string => {
    const known = names.get(name) ?? nextName();
    names.set(name, known);
    return known;
  };
  const nodes = model.nodes.map(({ operator, domain, inputs, outputs, attributes }): OnnxNode => ({
    operator,
    ...(domain !== undefined && { domain }),
    inputs: inputs.map(short),
    outputs: outputs.map(short),
    ...(attributes && { attributes: operator === 'Conv' ? unusual(attributes) : attributes }),
  }));
  const initializers = model.initializers.map((each) => ({ ...each, name: short(each.name) }));
  return { ...model, nodes, initializers };
}

const unusual = (attributes: NonNullable<OnnxNode['attributes']>): NonNullable<OnnxNode['attributes']> =>
  Object.fromEntries(
    Object.entries(attributes).filter(([name, { value }]) => String(value) !== String(usual[name])),
  );

/** a … Z, aa, ba, … : the names of a count, none twice. */
function lettersOf(count: number): string {
  let name = letters[count % letters.length]!;
  for (
    let rest = Math.floor(count / letters.length);
    rest > 0;
    rest = Math.floor((rest - 1) / letters.length)
  )
    name += letters[(rest - 1) % letters.length]!;
  return name;
}
