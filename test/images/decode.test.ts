import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { decodeImage } from '../../images/decode.ts';
import { imageFormat } from '../../images/format.ts';
import { ImageError } from '../../images/image-error.ts';

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

  it.each([
    ['SVG', '\ufeff<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['SVG', '  <svg/>'],
    ['HEIC', '\0\0\0\x18ftypmif1\0\0\0\0heicmif1'],
    ['BMP', 'BM\0\0'],
    ['PDF', '%PDF-1.7'],
  ])('the refusal of %s names it and says what to do', async (name, text) => {
    await expect(decodeImage(Buffer.from(text), 10)).rejects.toThrow(
      new RegExp(`^${name} .*not.*; export .* as (PNG|JPEG)$`),
    );
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

  const everyFormat = Object.keys(formats) as (keyof typeof formats)[];

  /** Red, green, blue and white quarters, from the top left in reading order. */
  const quarters = Buffer.from(
    Array.from({ length: 16 * 16 * 3 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % 16, Math.floor(i / 48)];
      return ['#f00', '#0f0', '#00f', '#fff'][Number(x >= 8) + 2 * Number(y >= 8)]!.charAt(1 + (i % 3)) ===
        'f'
        ? 255
        : 0;
    }),
  );
  /** Quarters after the EXIF orientations 1 to 8 (Exif 2.32, 4.6.4). */
  const turned = ['RGBW', 'GRWB', 'WBGR', 'BWRG', 'RBGW', 'BRWG', 'WGBR', 'GWRB'];

  it.each(['jpeg', 'png', 'webp', 'tiff'] as const)(
    '%s: shows all EXIF orientations upright',
    async (format) => {
      for (const [index, expected] of turned.entries()) {
        const bytes = await image(16, 16, quarters)
          .withMetadata({ orientation: index + 1 })
          .toFormat(format, { quality: 100 })
          .toBuffer();
        const pixels = await decodeImage(bytes, 16);
        const nameAt = (x: number, y: number) => {
          const bright = [0, 1, 2].map((c) => pixels[c * 256 + y * 16 + x]! > 127);
          return (
            { 'true,false,false': 'R', 'false,true,false': 'G', 'false,false,true': 'B' }[String(bright)] ??
            'W'
          );
        };
        const found = [nameAt(3, 3), nameAt(12, 3), nameAt(3, 12), nameAt(12, 12)].join('');
        expect(found, `orientation ${index + 1}`).toBe(expected);
      }
    },
  );

  it.each(everyFormat)('%s: an image of one pixel fills the square', async (format) => {
    const bytes = await plain(1, 1, '#c04020').toFormat(format).toBuffer();
    const pixels = await decodeImage(bytes, 6);
    for (const [channel, value] of [0xc0, 0x40, 0x20].entries())
      for (const found of pixels.subarray(channel * 36, (channel + 1) * 36))
        expect(Math.abs(found - value)).toBeLessThanOrEqual(3);
  });

  it('very long images are squeezed like others', async () => {
    for (const [width, height] of [
      [1, 5000],
      [9000, 1],
    ] as const)
      expect(first(await decodeImage(await plain(width, height, '#c04020').png().toBuffer(), 4), 4)).toEqual([
        0xc0, 0x40, 0x20,
      ]);
  });

  it('flattens alpha on white', async () => {
    const clear = { width: 5, height: 5, channels: 4, background: { r: 200, g: 0, b: 0, alpha: 0 } } as const;
    expect(first(await decodeImage(await sharp({ create: clear }).png().toBuffer(), 5), 5)).toEqual([
      255, 255, 255,
    ]);
    const deep = await sharp({ create: clear }).toColourspace('rgb16').png().toBuffer();
    expect(first(await decodeImage(deep, 4), 4)).toEqual([255, 255, 255]);
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
    expect(first(await decodeImage(deep, 3), 3)).toEqual([10, 100, 200]);
    const cmyk = await plain(9, 9, '#c04020').toColourspace('cmyk').jpeg().toBuffer();
    expect((await sharp(cmyk).metadata()).space).toBe('cmyk');
    const [red, green, blue] = first(await decodeImage(cmyk, 3), 3);
    expect(red).toBeGreaterThan(150);
    expect(green).toBeLessThan(110);
    expect(blue).toBeLessThan(90);
  });

  it('grey of 16 bits, grey with alpha, CMYK in TIFF, one bit a pixel', async () => {
    const near = async (made: Sharp, expected: readonly number[]) => {
      const pixels = first(await decodeImage(await made.toBuffer(), 3), 3);
      pixels.forEach((value, channel) => expect(Math.abs(value - expected[channel]!)).toBeLessThanOrEqual(2));
    };
    const half = {
      width: 9,
      height: 9,
      channels: 4,
      background: { r: 100, g: 100, b: 100, alpha: 0.5 },
    } as const;
    await near(plain(9, 9, '#646464').toColourspace('grey16').png(), [100, 100, 100]);
    await near(plain(9, 9, '#646464').toColourspace('grey16').tiff(), [100, 100, 100]);
    await near(sharp({ create: half }).toColourspace('b-w').png(), [177, 177, 177]);
    await near(sharp({ create: half }).toColourspace('grey16').png(), [177, 177, 177]);
    await near(plain(9, 9, '#fff').toColourspace('b-w').threshold().tiff({ bitdepth: 1 }), [255, 255, 255]);
    const cmyk = plain(9, 9, '#c04020').toColourspace('cmyk');
    const [red, green, blue] = first(await decodeImage(await cmyk.tiff().toBuffer(), 3), 3);
    expect(red! > 150 && green! < 110 && blue! < 90).toBe(true);
  });

  it.each(['webp', 'tiff'] as const)('takes the first page of several in %s', async (format) => {
    const pages = Buffer.concat([
      await plain(6, 6, '#f00').raw().toBuffer(),
      await plain(6, 6, '#00f').raw().toBuffer(),
    ]);
    const raw = { width: 6, height: 12, channels: 3, pageHeight: 6 } as const;
    const bytes = await sharp(pages, { raw }).toFormat(format).toBuffer();
    expect((await sharp(bytes).metadata()).pages).toBe(2);
    const [red, , blue] = first(await decodeImage(bytes, 6), 6);
    expect(red! > 250 && blue! < 5).toBe(true);
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
