import type { OnnxModel, OnnxNode } from '../graph/onnx/encode.ts';
import { onlyReader, readersOf } from './readers.ts';

/** Operators whose results are planes if all that they read but constants is. */
const planar = new Set(['Conv', 'Relu', 'Clip', 'Add', 'Mul', 'AveragePool', 'MaxPool', 'Concat', 'MatMul']);

/** The tensor that a file reads pixels from. */
const pixels = 'image';

/**
 * The tensors that an 8-bit twin rounds to ranges of their own, in the order in which they are computed: the pixels and all
 * planes, but those that only a ReLU, a bound, or a constant factor or offset reads, since these are computed with what they
 * read, and the largest of rounded values, which are so already. What is made of the last planes' means stays as it is: it is
 * a few hundred numbers.
 *
 * A file's ranges are kept in this order (ranges.ts).
 */
export function roundedTensors(model: OnnxModel): string[] {
  const readers = readersOf(model);
  const constants = new Set(model.initializers.map(({ name }) => name));
  const isRounded = (name: string): boolean => {
    const reader = onlyReader(name, readers, model);
    return !reader || !isJoined(reader, constants);
  };
  const planes = new Set([pixels]);
  const rounded = isRounded(pixels) ? [pixels] : [];
  for (const node of model.nodes) {
    const read = node.inputs.filter((name) => !constants.has(name));
    if (!planar.has(node.operator) || read.length === 0 || !read.every((name) => planes.has(name))) continue;
    const name = node.outputs[0]!;
    planes.add(name);
    if (node.operator !== 'MaxPool' && isRounded(name)) rounded.push(name);
  }
  return rounded;
}

/** Whether a node is computed with what makes the one tensor that it reads. */
const isJoined = ({ operator, inputs }: OnnxNode, constants: ReadonlySet<string>): boolean =>
  ['Relu', 'Clip'].includes(operator) ||
  (['Add', 'Mul'].includes(operator) && inputs.some((name) => constants.has(name)));
