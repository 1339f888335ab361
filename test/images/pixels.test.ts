import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { decodeImage, decodePicture } from '../../images/decode.ts';
import { longestSide, squeeze, squeezeInSteps } from '../../images/pixels/resize.ts';
import type { Picture } from '../../images/pixels/resize.ts';

const picture = z.tuple([z.number(), z.number(), z.number()]);
/** Made by pillow.py. */
const pillow = z
  .object({
    whole: z.array(picture.rest(z.string())),
    transparent: z.array(picture.rest(z.string())),
    boxes: z.array(
      z.tuple([
        z.number(),
        z.number(),
        z.number(),
        z.tuple([z.number(), z.number(), z.number(), z.number()]),
        z.string(),
      ]),
    ),
  })
  .parse(JSON.parse(readFileSync(new URL('pillow.json', import.meta.url), 'utf8')));

/** The same bytes as `noise` of pillow.py. */
function noise(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    const mixed = Math.imul(i, 2654435761);
    const again = Math.imul(mixed ^ (mixed >>> 15), 2246822519);
    bytes[i] = again ^ (again >>> 13);
  }
  return bytes;
}
const noisy = (width: number, height: number, channels: 3 | 4 = 3): Picture => ({
  data: noise(width * height * channels),
  width,
  height,
});
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const png = ({ data, width, height }: Picture): Promise<Buffer> =>
  sharp(data, { raw: { width, height, channels: data.length === 3 * width * height ? 3 : 4 } })
    .png()
    .toBuffer();

describe('squeeze', () => {
  it.each(pillow.whole)('%i × %i to %i: the bytes of Pillow', (width, height, size, expected) => {
    expect(hash(squeeze(noisy(width, height), size))).toBe(expected);
  });

  it.each(pillow.transparent)(
    '%i × %i to %i, on white: the bytes of Pillow',
    (width, height, size, expected) => {
      expect(hash(squeeze(noisy(width, height, 4), size))).toBe(expected);
    },
  );

  it.each(pillow.boxes)(
    '%i × %i to %i, box %j: the bytes of Pillow',
    (width, height, size, box, expected) => {
      expect(hash(squeeze(noisy(width, height), size, { box }))).toBe(expected);
    },
  );

  it('mirrors the square, not the box', () => {
    const [given, size] = [noisy(60, 40), 17];
    const box = [3.5, 2, 31.25, 38] as const;
    const plain = squeeze(given, size, { box });
    const mirrored = squeeze(given, size, { box, mirrored: true });
    for (let row = 0; row < 3 * size; row++) {
      const at = [row * size, (row + 1) * size] as const;
      expect([...mirrored.subarray(...at)]).toEqual([...plain.subarray(...at)].reverse());
    }
  });

  it('gives the same in steps that take turns with those of other pictures', () => {
    const given = [noisy(1400, 1000), noisy(1000, 1400, 4), noisy(900, 2200)];
    const [found, steps] = [new Map<number, string>(), given.map((each) => squeezeInSteps(each, 42))];
    let turns = 0;
    while (found.size < given.length) {
      turns++;
      steps.forEach((each, index) => {
        const step = each.next();
        if (step.done && !found.has(index)) found.set(index, hash(step.value));
      });
    }
    expect(turns).toBeGreaterThan(1);
    given.forEach((each, index) => expect(found.get(index)).toBe(hash(squeeze(each, 42))));
  });

  it.each([
    [{ data: new Uint8Array(11), width: 2, height: 2 }, [0, 0, 2, 2]],
    [{ data: new Uint8Array(0), width: 0, height: 2 }, [0, 0, 0, 2]],
    [{ data: new Uint8Array(3 * (longestSide + 1)), width: longestSide + 1, height: 1 }, [0, 0, 1, 1]],
    [noisy(4, 4), [0, 0, 4.1, 4]],
    [noisy(4, 4), [-0.1, 0, 4, 4]],
    [noisy(4, 4), [0, 2, 4, 2]],
    [noisy(4, 4), [0, NaN, 4, 4]],
  ] as const)('refuses what is no picture or no box in it, case %#', (given, box) => {
    expect(() => squeeze(given, 3, { box })).toThrow(RangeError);
  });
});

describe('decodeImage', () => {
  it('gives the bytes of Pillow for files', async () => {
    for (const [width, height, size, expected] of pillow.whole)
      expect(hash(await decodeImage(await png(noisy(width, height)), size))).toBe(expected);
    for (const [width, height, size, expected] of pillow.transparent)
      expect(hash(await decodeImage(await png(noisy(width, height, 4)), size))).toBe(expected);
  });

  it('a JPEG is the same as a PNG with its pixels, however much smaller the square is', async () => {
    const { data, width, height } = noisy(1300, 700);
    const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
      .blur(3)
      .jpeg()
      .toBuffer();
    const same = await png(await decodePicture(jpeg));
    for (const size of [600, 160, 84, 28])
      expect(hash(await decodeImage(jpeg, size))).toBe(hash(await decodeImage(same, size)));
  });

  it('refuses sides beyond what is resized', async () => {
    const line = await png(noisy(1, longestSide + 1));
    await expect(decodeImage(line, 8)).rejects.toMatchObject({
      code: 'image_too_large',
      message: 'the PNG image has a side of more than 65535 pixels',
    });
  });
});
