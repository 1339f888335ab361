import type { OnnxInitializer, OnnxNode } from '../../model/graph/onnx/encode.ts';
import { float } from '../../model/trunk/float32.ts';

const ints = (...value: number[]) => ({ kind: 'ints', value }) as const;

/** A convolution of square kernels that are called after what it gives: `output`.weight. */
export const convolution = (
  output: string,
  input: string,
  { kernel, stride, padding }: { readonly kernel: number; readonly stride: number; readonly padding: number },
): OnnxNode => ({
  operator: 'Conv',
  name: output,
  inputs: [input, `${output}.weight`],
  outputs: [output],
  attributes: {
    kernel_shape: ints(kernel, kernel),
    pads: ints(padding, padding, padding, padding),
    strides: ints(stride, stride),
  },
});

/** A float16 initializer, given by its bits, and the node that casts it to what `name` stands for. */
export function float16Weight(
  name: string,
  shape: readonly number[],
  data: Uint16Array,
): { readonly initializer: OnnxInitializer; readonly cast: OnnxNode } {
  return {
    initializer: { name: `${name}.float16`, shape, data },
    cast: {
      operator: 'Cast',
      name: `${name}.cast`,
      inputs: [`${name}.float16`],
      outputs: [name],
      attributes: { to: { kind: 'int', value: float } },
    },
  };
}
