import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentHash, servedViews, viewCount, wholeAndCrops } from '../../../model/task/views.ts';
import type { View } from '../../../model/task/views.ts';

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

describe('the views of an image where tasks are served', () => {
  it('are the whole, its mirror image and crops of 60 to 100 % of the area inside it, of its shape', () => {
    const lengths = fc.integer({ min: 1, max: 9000 });
    const image = fc.tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), lengths, lengths);
    fc.assert(
      fc.property(image, fc.boolean(), fc.nat({ max: 5 }), ([hash, width, height], mirror, crops) => {
        const views = servedViews(hash, { width, height }, { mirror, crops });
        expect(views.length).toBe(viewCount({ mirror, crops }));
        expect(views[0]).toEqual({ box: [0, 0, width, height], mirrored: false });
        if (mirror) expect(views[1]).toEqual({ box: [0, 0, width, height], mirrored: true });
        for (const { box, mirrored } of views.slice(views.length - crops)) {
          const [left, top, right, bottom] = box;
          expect(mirrored).toBe(false);
          expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
          expect(right).toBeLessThanOrEqual(width);
          expect(bottom).toBeLessThanOrEqual(height);
          const [across, down] = [(right - left) / width, (bottom - top) / height];
          expect(across).toBeCloseTo(down, 9);
          expect(across * down).toBeGreaterThanOrEqual(0.6 - 1e-9);
        }
      }),
    );
  });

  it('depend on the content alone: more crops do not move the first ones', () => {
    const few = servedViews(7, { width: 300, height: 200 }, { mirror: false, crops: 2 });
    const more = servedViews(7, { width: 300, height: 200 }, { mirror: true, crops: 4 });
    expect(more.slice(2, 4)).toEqual(few.slice(1));
    expect(servedViews(8, { width: 300, height: 200 }, { mirror: false, crops: 2 })[1]).not.toEqual(few[1]);
  });

  it('do not change: checkpoints and answers depend on them', () => {
    const [, crop] = servedViews(0xdeadbeef, { width: 100, height: 50 }, { mirror: false, crops: 1 });
    expect(crop!.box).toMatchInlineSnapshot(`
      [
        5.096207647302338,
        2.587011391198169,
        98.97127272214819,
        49.52454392862109,
      ]
    `);
  });
});

describe('an image of a support set', () => {
  const size = { width: 30, height: 20 };
  /** Squares of side 1 that tell which view they are of. */
  const squeezed = (view: View) => Uint8Array.of(...view.box.slice(0, 3).map(Math.round));

  it('is its whole and the crops that its pixels decide', async () => {
    const whole = Uint8Array.of(0, 0, 30);
    const [, ...crops] = servedViews(contentHash(whole, size), size, { mirror: false, crops: 2 });
    const expected = [...whole, ...crops.flatMap((view) => [...squeezed(view)])];
    expect(Array.from(await wholeAndCrops(size, 2, squeezed))).toEqual(expected);
    expect(await wholeAndCrops(size, 0, squeezed)).toEqual(whole);
  });
});

describe('the hash of an image', () => {
  it('is FNV-1a of its bytes, then of its width and height', () => {
    // published values of FNV-1a: "" 811c9dc5, "foobar" bf9cf968; the size adds eight bytes
    const reference = (bytes: readonly number[]): number =>
      Number(bytes.reduce((hash, byte) => ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn, 0x811c9dc5n));
    expect(reference([...text('foobar')])).toBe(0xbf9cf968);
    expect(contentHash(text('foobar'), { width: 84, height: 0x1234 })).toBe(
      reference([...text('foobar'), 84, 0, 0, 0, 0x34, 0x12, 0, 0]),
    );
  });
});
