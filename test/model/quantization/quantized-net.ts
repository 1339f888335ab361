import type { OnnxInitializer, OnnxModel, OnnxNode } from '../../../model/graph/onnx/encode.ts';
import { testRandom } from '../../support/random.ts';

const next = testRandom(5);
const constant = (name: string, shape: readonly number[]): OnnxInitializer => ({
  name,
  shape,
  data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next()),
});

const node = (operator: string, inputs: string[], output: string): OnnxNode => ({
  operator,
  inputs,
  outputs: [output],
});

function convolution(inputs: string[], output: string, kernel: number, group = 1, stride = 1): OnnxNode {
  const ints = (...value: number[]) => ({ kind: 'ints', value }) as const;
  const border = (kernel - 1) / 2;
  return {
    ...node('Conv', inputs, output),
    attributes: {
      kernel_shape: ints(kernel, kernel),
      strides: ints(stride, stride),
      pads: ints(border, border, border, border),
      dilations: ints(1, 1),
      group: { kind: 'int', value: group },
    },
  };
}

const pool = (operator: string, input: string, output: string): OnnxNode => {
  const { attributes } = convolution([], '', 3);
  return {
    ...node(operator, [input], output),
    attributes: { kernel_shape: attributes!['kernel_shape']!, pads: attributes!['pads']! },
  };
};

/** A network of all that an exported child has: of images of 8 px, with two branches of the same weights. */
export const quantizedNet: OnnxModel = {
  name: 'net',
  nodes: [
    node('Mul', ['image', 'two'], 'doubled'),
    node('Add', ['doubled', 'below'], 'centred'),
    convolution(['centred', 'stem.kernels', 'stem.biases'], 'stem.sum', 3, 1, 2),
    node('Relu', ['stem.sum'], 'stem'),
    convolution(['stem', 'deep'], 'deep.sum', 3, 4),
    convolution(['deep.sum', 'point'], 'point.sum', 1),
    node('Mul', ['point.sum', 'factors'], 'scaled'),
    node('Add', ['scaled', 'offsets'], 'shifted'),
    convolution(['stem', 'point'], 'other.sum', 1),
    node('Mul', ['other.sum', 'factors'], 'other.scaled'),
    node('Add', ['other.scaled', 'offsets'], 'other'),
    node('Add', ['shifted', 'other'], 'joined'),
    node('Relu', ['joined'], 'rectified'),
    pool('MaxPool', 'joined', 'largest'),
    node('Mul', ['largest', 'factors'], 'largest.scaled'),
    pool('AveragePool', 'rectified', 'averaged'),
    {
      ...node('Concat', ['largest.scaled', 'averaged'], 'both'),
      attributes: { axis: { kind: 'int', value: 1 } },
    },
    { ...node('GlobalAveragePool', ['both'], 'means') },
    { ...node('Flatten', ['means'], 'features') },
    node('MatMul', ['features', 'head'], 'logits'),
    { ...node('Softmax', ['logits'], 'probabilities'), attributes: { axis: { kind: 'int', value: -1 } } },
  ],
  initializers: [
    { name: 'two', shape: [], data: Float32Array.of(2) },
    { name: 'below', shape: [], data: Float32Array.of(-1) },
    constant('stem.kernels', [4, 3, 3, 3]),
    constant('stem.biases', [4]),
    constant('deep', [4, 1, 3, 3]),
    constant('point', [5, 4, 1, 1]),
    constant('factors', [1, 5, 1, 1]),
    constant('offsets', [1, 5, 1, 1]),
    constant('head', [10, 3]),
  ],
  inputs: [{ name: 'image', shape: ['n', 3, 8, 8] }],
  outputs: [
    { name: 'logits', shape: ['n', 3] },
    { name: 'probabilities', shape: ['n', 3] },
  ],
  opset: 17,
  metadata: { names: '["a","b","c"]' },
};

/** Six images in 0..1, [n, 3, 8, 8]. */
export const netImages = {
  data: Float32Array.from({ length: 6 * 3 * 64 }, () => (next() + 1) / 2),
  dims: [6, 3, 8, 8],
};
