import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOnnxExecutor } from '../../../engine/onnxruntime.ts';
import type { OnnxExecutor } from '../../../engine/onnxruntime.ts';
import { bundledTrunk, readTrunk } from '../../../engine/trunk/file.ts';
import type { TrunkFile } from '../../../engine/trunk/file.ts';
import type { TensorValue } from '../../../model/graph/executor.ts';
import { encodeModel } from '../../../model/graph/onnx/encode.ts';
import { withFloat32Weights } from '../../../model/trunk/float32.ts';
import { planesOf, sliceSize } from '../../../model/trunk/planes.ts';

let models: OnnxExecutor;
let trunk: TrunkFile;
let names: readonly string[];

beforeAll(async () => {
  models = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 8 });
  trunk = await readTrunk(fileURLToPath(bundledTrunk));
  names = Object.keys(trunk.card.taps);
});
afterAll(() => models.dispose());

const imageSize = 3 * 160 * 160;

/** Images by their numbers: pixels in 0..1 that a Weyl sequence scatters. */
function images(...numbers: number[]): TensorValue {
  const data = new Float32Array(numbers.length * imageSize);
  for (let i = 0; i < data.length; i++) {
    const x = (i % imageSize) * 0.6180339887 + numbers[Math.floor(i / imageSize)]! * 0.7548776662;
    data[i] = x - Math.floor(x);
  }
  return { data, shape: [numbers.length, 3, 160, 160] };
}

/** Means of the planes of an image whose pixels are all 0.25, by PyTorch (scripts/make-trunk). */
const greyMeans = {
  b4: -0.508686,
  b7: 0.43811,
  b10: -0.636445,
  b14: 0.127124,
  b15: -0.034246,
  last: 0.030828,
};

/** The bytes of the planes of the image at `place`, or of all: `toEqual` would compare their numbers one by one. */
function bytesAt({ data, shape }: TensorValue, place?: number): Buffer {
  const size = data.length / shape[0]!;
  const planes = place === undefined ? data : data.subarray(place * size, (place + 1) * size);
  return Buffer.from(planes.buffer, planes.byteOffset, planes.byteLength);
}

describe('planesOf', () => {
  test('an image has the same bits in any batch and at any place', async () => {
    const alone = await planesOf(models, trunk, names, images(7));
    const others = [1, 2, 3, 4, 5, 6];
    for (const before of [1, sliceSize - 1, sliceSize, sliceSize + 2]) {
      const batch = images(...others.slice(0, before), 7, ...others.slice(before, before + 2));
      const together = await planesOf(models, trunk, names, batch);
      for (const name of names)
        expect(bytesAt(together[name]!, before).equals(bytesAt(alone[name]!, 0)), name).toBe(true);
    }
    const { b15 } = await planesOf(models, trunk, ['b15'], images(8));
    expect(bytesAt(alone['b15']!).equals(bytesAt(b15!))).toBe(false);
  });

  test('planes have the shapes that the card tells, taps in its order', async () => {
    const planes = await planesOf(models, trunk, ['last', 'b7', 'b14', 'b7'], images(1, 2, 3, 4, 5));
    const shapes = Object.entries(planes).map(([name, { shape }]) => [name, shape]);
    expect(shapes).toEqual([
      ['b7', [5, 80, 10, 10]],
      ['b14', [5, 192, 5, 5]],
      ['last', [5, 1280]],
    ]);
    expect((await planesOf(models, trunk, ['last'], images()))['last']!.shape).toEqual([0, 1280]);
  });

  test('the trunk cut to a tap gives the bits that the whole file gives', async () => {
    const whole = await models.model('whole', () => trunk.bytes);
    const input = images(...Array.from({ length: sliceSize }, (_, i) => i));
    const wanted = await whole.run({ image: input });
    for (const name of names) {
      const { [name]: found } = await planesOf(models, trunk, [name], input);
      expect(found!.shape).toEqual(wanted[name]!.shape);
      expect(bytesAt(found!).equals(bytesAt(wanted[name]!)), name).toBe(true);
    }
  });

  test('weights as float32 give the same bits', async () => {
    const wide = { card: { ...trunk.card, sha256: 'float32' }, model: withFloat32Weights(trunk.model) };
    expect(encodeModel(wide.model).length).toBeGreaterThan(1.9 * trunk.bytes.length);
    const input = images(1, 2, 3);
    const [found, wanted] = [
      await planesOf(models, wide, names, input),
      await planesOf(models, trunk, names, input),
    ];
    for (const name of names) expect(bytesAt(found[name]!).equals(bytesAt(wanted[name]!)), name).toBe(true);
  });

  test('values are those that PyTorch gave', async () => {
    const grey = { data: new Float32Array(imageSize).fill(0.25), shape: [1, 3, 160, 160] };
    const planes = await planesOf(models, trunk, names, grey);
    const mean = (name: string) =>
      planes[name]!.data.reduce((total, value) => total + value, 0) / planes[name]!.data.length;
    for (const [name, value] of Object.entries(greyMeans)) expect(mean(name)).toBeCloseTo(value, 4);
  });

  test('refuses images of another size and taps that are not there', async () => {
    const small = { data: new Float32Array(3 * 84 * 84), shape: [1, 3, 84, 84] };
    await expect(planesOf(models, trunk, ['b7'], small)).rejects.toThrow(
      'images [1, 3, 84, 84] in place of [n, 3, 160, 160]',
    );
    await expect(planesOf(models, trunk, ['b7', 'b8'], images(1))).rejects.toMatchObject({
      name: 'TrunkError',
      message: 'there is no tap b8; the trunk has b4, b7, b10, b14, b15, last',
    });
  });
});
