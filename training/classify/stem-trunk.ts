import { createHash } from 'node:crypto';
import { encodeModel } from '../../model/graph/onnx/encode.ts';
import type { OnnxInitializer, OnnxModel, OnnxNode, OnnxValueInfo } from '../../model/graph/onnx/encode.ts';
import type { Parameters } from '../../model/layers/parameter-specification.ts';
import { statisticNames } from '../../model/network/trunk-statistics.ts';
import { answerCostOf } from '../../model/trunk/cost.ts';
import { roundedToFloat16 } from '../../model/trunk/float16.ts';
import { withFloat16Kernels } from '../../model/trunk/half-weights.ts';
import { trunkInput } from '../../model/trunk/trunk.ts';
import type { TrunkCard } from '../../model/trunk/trunk.ts';
import { stemParts } from './stem.ts';
import type { StemChannels } from './stem.ts';

/** The tap of a stem's planes. */
export const stemTap = 'stem';

export interface StemTrunk {
  readonly card: TrunkCard & { readonly format: 'm-nas-trunk/1' };
  readonly bytes: Uint8Array<ArrayBuffer>;
}

interface Stem {
  readonly name: string;
  readonly channels: StemChannels;
  /** of the images, px */
  readonly side: number;
  readonly epsilon: number;
  readonly source: string;
  readonly licence: string;
}

const centred = 'centred';
const ints = (...value: readonly number[]) => ({ kind: 'ints', value }) as const;

/**
 * The trained stem as a trunk: its convolutions with the normalisations by learned statistics in them, kernels rounded to
 * float16, and one tap. The cells behind it are adapted to a task; it is the same for all.
 */
export function stemTrunk(parameters: Parameters, stem: Stem): StemTrunk {
  const { name, channels, side, source, licence } = stem;
  const value = (label: string, c: number, size: number): OnnxValueInfo => ({
    name: label,
    shape: ['n', c, size, size],
  });
  const floats = (label: string, data: readonly number[]): OnnxInitializer => ({
    name: label,
    shape: [],
    data: Float32Array.from(data),
  });
  const nodes: OnnxNode[] = [
    { operator: 'Mul', inputs: [trunkInput, 'two'], outputs: ['doubled'] },
    { operator: 'Add', inputs: ['doubled', 'below'], outputs: [centred] },
  ];
  const initializers: OnnxInitializer[] = [floats('two', [2]), floats('below', [-1])];
  const values: OnnxValueInfo[] = [value('doubled', 3, side), value(centred, 3, side)];
  let [input, width, size] = [centred, 3, side];
  stemParts.forEach((part, i) => {
    const o = channels[i]!;
    const { kernels, biases } = folded(parameters, part, o, stem.epsilon);
    const [sum, output] = [`${part}.sum`, i === stemParts.length - 1 ? stemTap : `${part}.planes`];
    size /= 2;
    initializers.push(
      { name: `${part}.kernels`, shape: [o, width, 3, 3], data: kernels },
      { name: `${part}.biases`, shape: [o], data: biases },
    );
    const attributes = {
      kernel_shape: ints(3, 3),
      strides: ints(2, 2),
      dilations: ints(1, 1),
      pads: ints(1, 1, 1, 1),
      group: { kind: 'int', value: 1 },
    } as const;
    const read = [input, `${part}.kernels`, `${part}.biases`];
    nodes.push(
      { operator: 'Conv', inputs: read, outputs: [sum], attributes },
      { operator: 'Relu', inputs: [sum], outputs: [output] },
    );
    values.push(value(sum, o, size));
    if (output !== stemTap) values.push(value(output, o, size));
    [input, width] = [output, o];
  });
  const plain: OnnxModel = {
    name,
    opset: 17,
    nodes: nodes.map((node) => ({ ...node, name: node.outputs[0]! })),
    initializers,
    inputs: [value(trunkInput, 3, side)],
    outputs: [value(stemTap, width, size)],
    values,
    metadata: { source, licence, side: String(side), taps: JSON.stringify([stemTap]) },
  };
  const bytes = encodeModel(withFloat16Kernels(plain));
  return {
    card: {
      format: 'm-nas-trunk/1',
      name,
      file: `${name}.onnx`,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      side,
      pixels: 'RGB, 0..1, planar [n, 3, side, side]',
      source,
      licence,
      taps: { [stemTap]: { channels: width, side: size, ...answerCostOf(plain) } },
    },
    bytes,
  };
}

/** Kernels and biases of a convolution with its normalisation in it, the kernels as float16 numbers. */
function folded(
  parameters: Parameters,
  part: string,
  outputs: number,
  epsilon: number,
): { readonly kernels: Float32Array; readonly biases: Float32Array } {
  const { mean, square } = statisticNames(part);
  const weights = parameters[part]!;
  const inverse = Float64Array.from({ length: outputs }, (_, o) => {
    const center = parameters[mean]![o]!;
    return 1 / Math.sqrt(Math.max(0, parameters[square]![o]! - center ** 2) + epsilon);
  });
  const own = weights.length / outputs;
  return {
    kernels: roundedToFloat16(weights.map((w, i) => w * inverse[Math.floor(i / own)]!)),
    biases: Float32Array.from(inverse, (scale, o) => -parameters[mean]![o]! * scale),
  };
}
