import type { OnnxModel } from '../../model/graph/onnx/encode.ts';
import { sizeOf } from '../../model/graph/shapes.ts';
import type { TrunkCard } from '../../model/trunk/trunk.ts';
import { convolution, float16Weight } from './trunk-nodes.ts';

/** Small multiples of 1/16. */
function weight(name: string, shape: readonly number[]) {
  const bits = Uint16Array.from({ length: sizeOf(shape) }, (_, i) =>
    i % 3 === 0 ? 0xac00 : 0x2c00 + 64 * (i % 7),
  );
  return float16Weight(name, shape, bits);
}

const near = weight('near.weight', [4, 3, 3, 3]);
const far = weight('far.weight', [5, 4, 1, 1]);

/** Of images of 8 px: `near`, 4 planes of 4 px; `far`, 5 planes of 4 px behind it; `last`, 5 features behind that. */
export const tinyTrunk: OnnxModel = {
  name: 'tiny',
  nodes: [
    near.cast,
    convolution('near', 'image', { kernel: 3, stride: 2, padding: 1 }),
    {
      operator: 'Clip',
      name: 'clipped',
      inputs: ['near', 'zero', 'six'],
      outputs: ['clipped'],
    },
    far.cast,
    convolution('far', 'clipped', { kernel: 1, stride: 1, padding: 0 }),
    { operator: 'GlobalAveragePool', name: 'mean', inputs: ['far'], outputs: ['mean'] },
    { operator: 'Flatten', name: 'last', inputs: ['mean'], outputs: ['last'] },
  ],
  initializers: [
    near.initializer,
    { name: 'zero', shape: [], data: Float32Array.of(0) },
    { name: 'six', shape: [], data: Float32Array.of(6) },
    far.initializer,
  ],
  inputs: [{ name: 'image', shape: ['n', 3, 8, 8], type: 'float' }],
  outputs: [
    { name: 'near', shape: ['n', 4, 4, 4], type: 'float' },
    { name: 'far', shape: ['n', 5, 4, 4], type: 'float' },
    { name: 'last', shape: ['n', 5], type: 'float' },
  ],
  values: [
    { name: 'clipped', shape: ['n', 4, 4, 4], type: 'float' },
    { name: 'mean', shape: ['n', 5, 1, 1], type: 'float' },
  ],
  opset: 17,
  metadata: { licence: 'CC0-1.0', taps: '["near","far","last"]' },
};

const nearCost = { weights: 4 * 27, multiplyAdds: 4 * 16 * 27 };
const farCost = { weights: 4 * 27 + 20, multiplyAdds: 4 * 16 * 27 + 5 * 16 * 4 };

/** The taps of {@link tinyTrunk}, counted by hand. */
export const tinyTaps: TrunkCard['taps'] = {
  near: { channels: 4, side: 4, ...nearCost },
  far: { channels: 5, side: 4, ...farCost },
  last: { channels: 5, side: 1, ...farCost },
};
