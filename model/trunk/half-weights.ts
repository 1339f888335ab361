import type { OnnxInitializer, OnnxModel, OnnxNode } from '../graph/onnx/encode.ts';
import { encodeFloat16 } from './float16.ts';
import { float, fromFloat16 } from './float32.ts';

/**
 * The same model with half the bytes: kernels of convolutions that are float16 numbers are stored as such and cast in the
 * graph, to the same values. Others stay as they are.
 */
export function withFloat16Kernels(model: OnnxModel): OnnxModel {
  const kernels = new Set(
    model.nodes.filter(({ operator }) => operator === 'Conv').map(({ inputs }) => inputs[1]!),
  );
  const casts: OnnxNode[] = [];
  const initializers = model.initializers.map((each): OnnxInitializer => {
    const bits = kernels.has(each.name) && each.data instanceof Float32Array ? exactBits(each.data) : null;
    if (!bits) return each;
    const name = `${each.name}.float16`;
    casts.push({
      name: `${each.name}.cast`,
      operator: 'Cast',
      inputs: [name],
      outputs: [each.name],
      attributes: { to: { kind: 'int', value: float } },
    });
    return { name, shape: each.shape, data: bits };
  });
  return { ...model, initializers, nodes: [...casts, ...model.nodes] };
}

/** The bits of values that float16 has all of; null where one is lost. */
function exactBits(values: Float32Array): Uint16Array | null {
  // loops, since callbacks for every number take as long as all the rest of an export
  for (let i = 0; i < values.length; i++) if (!(Math.abs(values[i]!) <= 65504)) return null;
  const bits = new Uint16Array(values.length);
  encodeFloat16(values, bits, 0);
  const back = fromFloat16(bits);
  for (let i = 0; i < values.length; i++) if (values[i] !== back[i]) return null;
  return bits;
}
