import type { OnnxInitializer, OnnxModel, OnnxNode } from '../graph/onnx/encode.ts';

/** `to` of a Cast to float32: ONNX's `TensorProto.FLOAT`. */
export const float = 1;

/** The smallest float16 above zero. */
const smallest = 2 ** -24;

/** The values of float16 numbers, given by their bits; exact. */
export function fromFloat16(halves: Uint16Array): Float32Array {
  const values = new Float32Array(halves.length);
  const bits = new Uint32Array(values.buffer);
  // a loop over bits, since powers or a callback for each number take a second for a trunk
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) values[i] = (sign ? -1 : 1) * fraction * smallest;
    else bits[i] = sign | ((exponent === 0x1f ? 0xff : exponent + 112) << 23) | (fraction << 13);
  }
  return values;
}

/**
 * The same model for runtimes that have no float16: every weight that is stored as float16 and cast in the graph is
 * stored as float32, with the same value, under the name of the cast tensor. Other casts stay.
 */
export function withFloat32Weights(model: OnnxModel): OnnxModel {
  const halves = new Map(model.initializers.filter(isHalf).map((each) => [each.name, each]));
  const casts = new Map(
    model.nodes.filter((node) => isWidening(node, halves)).map((node) => [node.inputs[0]!, node]),
  );
  const replaced = new Set<OnnxNode>(casts.values());
  const nodes = model.nodes.filter((node) => !replaced.has(node));
  const stillRead = new Set(nodes.flatMap(({ inputs }) => inputs));
  const initializers = model.initializers.flatMap((each): OnnxInitializer[] => {
    const cast = casts.get(each.name);
    const half = halves.get(each.name);
    if (!cast || !half) return [each];
    const wide = { name: cast.outputs[0]!, shape: each.shape, data: fromFloat16(half.data) };
    return stillRead.has(each.name) ? [each, wide] : [wide];
  });
  return { ...model, nodes, initializers };
}

type Half = OnnxInitializer & { readonly data: Uint16Array };

const isHalf = (each: OnnxInitializer): each is Half => each.data instanceof Uint16Array;

function isWidening({ operator, inputs, attributes }: OnnxNode, halves: ReadonlyMap<string, Half>): boolean {
  const to = attributes?.['to'];
  return operator === 'Cast' && halves.has(inputs[0]!) && to?.kind === 'int' && to.value === float;
}
