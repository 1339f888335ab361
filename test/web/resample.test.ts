import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { renderSquare } from '../../images/decode.ts';
import { squeeze, type Picture } from '../../web/device/resample.ts';
import { testRandom } from '../support/random.ts';

/** Noise on a chequered ground: flat parts, edges and what overshoots. */
function picture(width: number, height: number): Picture {
  const next = testRandom(width * 10_000 + height);
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const field = (Math.floor((x * 7) / width) + Math.floor((y * 5) / height)) % 2;
    data[i] = Math.floor(150 * field + 50 * (next() + 1));
  }
  return { data, width, height };
}

/** The service's pixels [3, size, size] of the same picture, interleaved. */
async function served({ data, width, height }: Picture, size: number): Promise<number[]> {
  const planar = await renderSquare(sharp(data, { raw: { width, height, channels: 3 } }), size);
  return Array.from(planar, (_, i) => planar[(i % 3) * size * size + Math.floor(i / 3)]!);
}

describe('squeeze', () => {
  it.each([
    [42, 42],
    [43, 43],
    [84, 42],
    [42, 500],
    [85, 123],
    [457, 123],
    [640, 480],
    [1000, 1333],
    [3024, 1000],
  ])('gives the bytes that the service has, smaller: %i × %i', async (width, height) => {
    const given = picture(width, height);
    expect(Array.from(squeeze(given, 42).data)).toEqual(await served(given, 42));
  });

  it.each([
    [1, 1],
    [2, 3],
    [20, 41],
    [30, 60],
    [60, 30],
    [33, 1200],
  ])(
    'gives the bytes that the service has, larger in one direction at least: %i × %i',
    async (width, height) => {
      const given = picture(width, height);
      expect(Array.from(squeeze(given, 42).data)).toEqual(await served(given, 42));
    },
  );

  it('does so for any size of the square', async () => {
    for (const size of [8, 28, 84]) {
      const given = picture(150, 77);
      expect(Array.from(squeeze(given, size).data)).toEqual(await served(given, size));
    }
  });
});
