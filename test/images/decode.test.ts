import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage, ImageError, toFloat } from '../../images/decode.ts';
import { imageFormat } from '../../images/format.ts';

/** A noise image: [height, width, 3] interleaved. */
function noise(width: number, height: number): Buffer {
  return Buffer.from(Array.from({ length: width * height * 3 }, (_, i) => (i * 7919 + (i >> 8) * 31) % 256));
}
const image = (width: number, height: number, pixels = noise(width, height)): Sharp =>
  sharp(pixels, { raw: { width, height, channels: 3 } });
const plain = (width: number, height: number, background: string): Sharp =>
  sharp({ create: { width, height, channels: 3, background } });
const planar = (interleaved: Uint8Array): number[] =>
  [0, 1, 2].flatMap((channel) => [...interleaved].filter((_, index) => index % 3 === channel));
/** First pixel as [r, g, b]. */
const first = (pixels: Uint8Array, size: number): number[] =>
  [0, 1, 2].map((channel) => pixels[channel * size * size]!);

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ImageError);
  return (error as ImageError).code;
}

describe('decodeImage', () => {
  const formats = { jpeg: 'JPEG', png: 'PNG', webp: 'WebP', avif: 'AVIF', gif: 'GIF', tiff: 'TIFF' } as const;

  it.each(Object.keys(formats) as (keyof typeof formats)[])(
    '%s: decodes, fails truncated, fails when too large',
    async (format) => {
      const bytes = await plain(60, 40, '#c04020').toFormat(format).toBuffer();
      expect(imageFormat(bytes)).toBe(formats[format]);
      const pixels = await decodeImage(bytes, 10);
      expect(pixels.length).toBe(300);
      first(pixels, 10).forEach((value, channel) => {
        expect(Math.abs(value - [0xc0, 0x40, 0x20][channel]!)).toBeLessThanOrEqual(8);
      });
      const detailed = await image(300, 200).toFormat(format).toBuffer();
      for (const kept of [0.3, 0.6, 0.95]) {
        const cut = detailed.subarray(0, Math.floor(detailed.length * kept));
        expect(await codeOf(decodeImage(cut, 10))).toBe('broken_image');
      }
      expect(await codeOf(decodeImage(detailed, 10, { maxPixels: 59_999 }))).toBe('image_too_large');
      await decodeImage(detailed, 10, { maxPixels: 60_000 });
    },
  );

  it('a small file of a huge image is refused by default', async () => {
    const bytes = await plain(8000, 7000, '#fff').png().toBuffer();
    expect(await codeOf(decodeImage(bytes, 10))).toBe('image_too_large');
  });

  it.each([
    ['SVG', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>')],
    ['text', Buffer.from('hello')],
    ['nothing', Buffer.alloc(0)],
    ['PDF', Buffer.from('%PDF-1.7\n')],
    ['HEIC', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')],
  ])('%s is refused as unsupported', async (_, bytes) => {
    expect(await codeOf(decodeImage(bytes, 10))).toBe('unsupported_format');
  });

  it('magic bytes without an image are a broken image', async () => {
    expect(await codeOf(decodeImage(Buffer.from('\x89PNG\r\n\x1a\nhello', 'latin1'), 10))).toBe(
      'broken_image',
    );
  });

  it('does not resample an image of the wanted size', async () => {
    const pixels = noise(12, 12);
    expect([...(await decodeImage(await image(12, 12).png().toBuffer(), 12))]).toEqual(planar(pixels));
  });

  it('squeezes the whole image: left half black, right half white', async () => {
    const half = Buffer.from(Array.from({ length: 80 * 10 * 3 }, (_, i) => (i % 240 < 120 ? 0 : 255)));
    const pixels = await decodeImage(await image(80, 10, half).png().toBuffer(), 8);
    const row = [...pixels.subarray(0, 8)];
    expect(row.slice(0, 3).every((value) => value < 30)).toBe(true);
    expect(row.slice(5).every((value) => value > 225)).toBe(true);
  });

  it('obeys the EXIF orientation', async () => {
    const upright = noise(6, 6);
    const bytes = await image(6, 6).withMetadata({ orientation: 3 }).png().toBuffer(); // 3: turned by 180 degrees
    const turned = planar(upright);
    const expected = [0, 1, 2].flatMap((c) => turned.slice(c * 36, (c + 1) * 36).reverse());
    expect([...(await decodeImage(bytes, 6))]).toEqual(expected);
  });

  it('flattens alpha on white', async () => {
    const clear = { width: 5, height: 5, channels: 4, background: { r: 200, g: 0, b: 0, alpha: 0 } } as const;
    expect(first(await decodeImage(await sharp({ create: clear }).png().toBuffer(), 5), 5)).toEqual([
      255, 255, 255,
    ]);
    const deep = await sharp({ create: clear }).toColourspace('rgb16').png().toBuffer();
    expect(Math.min(...first(await decodeImage(deep, 4), 4))).toBeGreaterThanOrEqual(254); // see below
    const half = { ...clear, background: { r: 255, g: 0, b: 0, alpha: 0.5 } };
    const [red, green, blue] = first(
      await decodeImage(await sharp({ create: half }).webp().toBuffer(), 5),
      5,
    );
    expect(red).toBeGreaterThan(250);
    expect(Math.abs(green! - 127)).toBeLessThan(6);
    expect(Math.abs(blue! - 127)).toBeLessThan(6);
  });

  it('grey, 16-bit and palette images become 8-bit RGB; CMYK is converted', async () => {
    const grey = await plain(9, 9, '#646464').greyscale().png().toBuffer();
    expect(first(await decodeImage(grey, 3), 3)).toEqual([100, 100, 100]);
    const palette = await plain(9, 9, '#0a64c8').png({ palette: true }).toBuffer();
    expect(first(await decodeImage(palette, 3), 3)).toEqual([10, 100, 200]);
    const deep = await plain(9, 9, '#0a64c8').toColourspace('rgb16').png().toBuffer();
    expect((await sharp(deep).metadata()).depth).toBe('ushort');
    // libvips drops the low byte, so a resampled 16-bit value may come out one lower
    first(await decodeImage(deep, 3), 3).forEach((value, channel) => {
      expect(Math.abs(value - [10, 100, 200][channel]!)).toBeLessThanOrEqual(1);
    });
    const cmyk = await plain(9, 9, '#c04020').toColourspace('cmyk').jpeg().toBuffer();
    expect((await sharp(cmyk).metadata()).space).toBe('cmyk');
    const [red, green, blue] = first(await decodeImage(cmyk, 3), 3);
    expect(red).toBeGreaterThan(150);
    expect(green).toBeLessThan(110);
    expect(blue).toBeLessThan(90);
  });

  it('takes the first frame of an animation', async () => {
    const frames = Buffer.concat([
      await plain(6, 6, '#f00').raw().toBuffer(),
      await plain(6, 6, '#00f').raw().toBuffer(),
    ]);
    const bytes = await sharp(frames, { raw: { width: 6, height: 12, channels: 3, pageHeight: 6 } })
      .gif()
      .toBuffer();
    expect((await sharp(bytes).metadata()).pages).toBe(2);
    expect(first(await decodeImage(bytes, 6), 6)).toEqual([255, 0, 0]);
  });
});

describe('toFloat', () => {
  it('maps 0..255 to 0..1', () => {
    expect([...toFloat(Uint8Array.of(0, 51, 255))]).toEqual([0, Math.fround(0.2), 1]);
  });
});
