import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeModel } from '../../../model/graph/onnx/encode.ts';
import type { OnnxNode } from '../../../model/graph/onnx/encode.ts';

/**
 * Writes a trunk whose planes are known without computing it, and returns its card's path. Of images of side 8, `quarters`
 * has the means of their quarters, 3 × 2 × 2, `pixels` the image itself, and `last` the means of the channels.
 */
export async function writePoolingTrunk(folder: string): Promise<string> {
  const pool = (inputs: string, output: string, side: number): OnnxNode => ({
    operator: 'AveragePool',
    inputs: [inputs],
    outputs: [output],
    attributes: {
      kernel_shape: { kind: 'ints', value: [side, side] },
      strides: { kind: 'ints', value: [side, side] },
    },
  });
  const bytes = encodeModel({
    name: 'pooling',
    nodes: [
      { operator: 'Identity', inputs: ['image'], outputs: ['pixels'] },
      pool('image', 'quarters', 4),
      pool('image', 'mean', 8),
      { operator: 'Flatten', inputs: ['mean'], outputs: ['last'] },
    ],
    initializers: [],
    inputs: [{ name: 'image', shape: ['n', 3, 8, 8] }],
    outputs: [
      { name: 'pixels', shape: ['n', 3, 8, 8] },
      { name: 'quarters', shape: ['n', 3, 2, 2] },
      { name: 'last', shape: ['n', 3] },
    ],
    opset: 17,
  });
  const cost = { weights: 1, multiplyAdds: 1 };
  const card = {
    format: 'm-nas-trunk/1',
    name: 'pooling',
    file: 'pooling.onnx',
    sha256: createHash('sha256').update(bytes).digest('hex'),
    side: 8,
    pixels: 'RGB, 0..1, planar [n, 3, side, side]',
    source: 'a test',
    licence: 'Apache-2.0',
    taps: {
      pixels: { channels: 3, side: 8, ...cost },
      quarters: { channels: 3, side: 2, ...cost },
      last: { channels: 3, side: 1, ...cost },
    },
  };
  await writeFile(join(folder, card.file), bytes);
  const path = join(folder, 'pooling.json');
  await writeFile(path, JSON.stringify(card));
  return path;
}
