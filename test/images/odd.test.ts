import sharp from 'sharp';
import type { JpegOptions } from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodePicture } from '../../images/decode.ts';
import { imageFormat, refusalOf } from '../../images/format.ts';
import { ImageError } from '../../images/image-error.ts';
import { colourful, gifFile, pngFile, scaled, srgbProfile, tiffFile } from '../../scripts/fuzz/odd-images.ts';
import type { Samples } from '../../scripts/fuzz/odd-images.ts';

const { iccp, profile } = await srgbProfile();
const rgbOf = async (bytes: Uint8Array): Promise<number[]> => Array.from((await decodePicture(bytes)).data);
const refusal = async (bytes: Uint8Array): Promise<string> => {
  const error: unknown = await decodePicture(bytes).catch((reason: unknown) => reason);
  if (!(error instanceof ImageError)) throw new Error('it is decoded', { cause: error });
  return `${error.code}: ${error.message}`;
};
const furthest = (one: readonly number[], two: readonly number[]) =>
  Math.max(...one.map((value, i) => Math.abs(value - two[i]!)));
const grey: Samples = { width: 8, channels: 1, values: colourful.values.filter((_, i) => i % 3 === 1) };
const greyAsRgb = grey.values.flatMap((value) => [value, value, value]);
/** A channel more. */
const withExtra = ({ width, channels, values }: Samples, extra: number): Samples => ({
  width,
  channels: channels + 1,
  values: values.flatMap((value, i) => ((i + 1) % channels === 0 ? [value, extra] : [value])),
});

describe('16 bits with a profile', () => {
  test('are the same colours as 8 bits, within 1', async () => {
    const deep = scaled(colourful, 257);
    const files = [
      pngFile(colourful, 8, [['iCCP', iccp]]),
      pngFile(deep, 16, [['iCCP', iccp]]),
      pngFile(deep, 16),
      tiffFile(colourful, { bits: 8, profile }),
      tiffFile(deep, { bits: 16, profile }),
      tiffFile(deep, { bits: 16 }),
    ];
    for (const file of files) expect(furthest(await rgbOf(file), colourful.values)).toBeLessThanOrEqual(1);
    const clear = await rgbOf(pngFile(withExtra(deep, 128 * 257), 16, [['iCCP', iccp]]));
    expect(furthest(clear, withExtra(colourful, 128).values)).toBeLessThanOrEqual(1);
  });
});

describe('a TIFF file', () => {
  const unit = (samples: Samples) => scaled(samples, 1 / 255);

  test('of floats has 0 to 1 or 0 to 255, which its range tells', async () => {
    const floats = { bits: 32, format: 3 } as const;
    expect(await rgbOf(tiffFile(unit(colourful), floats))).toEqual(colourful.values);
    expect(await rgbOf(tiffFile(colourful, floats))).toEqual(colourful.values);
    expect(await rgbOf(tiffFile(unit(grey), floats))).toEqual(greyAsRgb);
    expect(await rgbOf(tiffFile(grey, floats))).toEqual(greyAsRgb);
    const clear = tiffFile(unit(withExtra(colourful, 128)), { ...floats, extra: [2] });
    expect(await rgbOf(clear)).toEqual(withExtra(colourful, 128).values);
  });

  test('may be a BigTIFF, and have a channel of which nothing is known beside RGB', async () => {
    expect(await rgbOf(tiffFile(colourful, { bits: 8, big: true }))).toEqual(colourful.values);
    expect(await rgbOf(tiffFile(withExtra(colourful, 9), { bits: 8, extra: [0] }))).toEqual(colourful.values);
    expect(await rgbOf(tiffFile(unit(colourful), { bits: 32, format: 3, big: true }))).toEqual(
      colourful.values,
    );
  });

  test('of floats may have a quarter of the pixels', async () => {
    const file = tiffFile(colourful, { bits: 32, format: 3 });
    await decodePicture(file, { maxPixels: 64 });
    await expect(decodePicture(file, { maxPixels: 63 })).rejects.toMatchObject({ code: 'image_too_large' });
  });

  const odd = (value: number): Samples => ({ ...grey, values: [value, ...grey.values.slice(1)] });
  test.each([
    ['floats of an elevation model', tiffFile(odd(-9999), { bits: 32, format: 3 }), 'from -9999 to 255'],
    ['floats beyond 255', tiffFile(odd(1000), { bits: 32, format: 3 }), 'from 0 to 1000'],
    ['floats beyond 1', tiffFile(scaled(grey, 3 / 255), { bits: 32, format: 3 }), 'from 0 to 3'],
    ['floats without a value', tiffFile(odd(NaN), { bits: 32, format: 3 }), 'from NaN to NaN'],
    ['floats where zero is white', tiffFile(grey, { bits: 32, format: 3, photometric: 0 }), 'black to white'],
    [
      'floats with alpha beside grey',
      tiffFile(withExtra(grey, 1), { bits: 32, format: 3, extra: [2] }),
      'black to white',
    ],
    ['doubles', tiffFile(grey, { bits: 64, format: 3 }), 'floating-point numbers of 64 bits'],
    ['uint32', tiffFile(grey, { bits: 32 }), 'integers of 32 bits'],
    ['uint32 in RGB', tiffFile(colourful, { bits: 32 }), 'integers of 32 bits'],
    ['int8', tiffFile(scaled(grey, 0.4), { bits: 8, format: 2 }), 'signed integers of 8 bits'],
    ['int16', tiffFile(grey, { bits: 16, format: 2 }), 'signed integers of 16 bits'],
    ['complex numbers', tiffFile(grey, { bits: 64, format: 6 }), 'complex numbers'],
    ['five bands', tiffFile(withExtra(withExtra(colourful, 1), 2), { bits: 8, extra: [0, 0] }), '5 bands'],
    ['three bands of grey', tiffFile(colourful, { bits: 8, photometric: 1, extra: [0, 0] }), '3 bands'],
    ['grey and something', tiffFile(withExtra(grey, 1), { bits: 8, extra: [0] }), '2 bands'],
    ['an elevation model of 16 bits', tiffFile(grey, { bits: 16, geographic: true }), 'elevation model'],
    ['raw data of a camera', tiffFile(grey, { bits: 16, photometric: 32803 }), '32803'],
  ])('of %s is refused by name', async (_, bytes, reason) => {
    expect(await refusal(bytes)).toMatch(
      new RegExp(`^unsupported_format: the TIFF image has .*${reason}.*; export it`),
    );
  });

  test('that is cut or has nonsense for tags is broken', async () => {
    const whole = tiffFile(colourful, { bits: 8 });
    expect(await refusal(whole.subarray(0, 60))).toMatch(/^broken_image/);
    expect(await refusal(Buffer.from('II*\0\xff\xff\xff\x7f', 'latin1'))).toMatch(/^broken_image/);
    expect(await refusal(Buffer.from('II+\0', 'latin1'))).toMatch(/^broken_image/);
  });
});

describe('PNG colours', () => {
  const gama = (value: number) => {
    const data = Buffer.alloc(4);
    data.writeUInt32BE(value);
    return ['gAMA', data] as const;
  };
  const cicp = (...values: number[]) => ['cICP', Buffer.from(values)] as const;

  test('gAMA is honoured: linear light, that of old Macs, with 8 and 16 bits', async () => {
    const shades: Samples = { width: 4, channels: 3, values: [0, 64, 128, 255].flatMap((v) => [v, v, v]) };
    const first = async (bytes: Buffer) => (await rgbOf(bytes)).filter((_, i) => i % 3 === 0);
    expect(await first(pngFile(shades, 8, [gama(100_000)]))).toEqual([0, 137, 188, 255]);
    expect(await first(pngFile(scaled(shades, 257), 16, [gama(100_000)]))).toEqual([0, 137, 188, 255]);
    expect(await first(pngFile(shades, 8, [gama(55_556)]))).toEqual([0, 81, 146, 255]);
    const clear = await rgbOf(pngFile(withExtra(scaled(shades, 257), 77 * 257), 16, [gama(100_000)]));
    expect(clear.slice(4, 8)).toEqual([137, 137, 137, 77]);
    const dark = { ...shades, values: [0, 1, 2, 655].flatMap((v) => [v, v, v]) };
    expect((await first(pngFile(dark, 16, [gama(100_000)])))[3]).toBe(25); // 1 % of light
  });

  test('gAMA near that of sRGB, and beside sRGB, a profile or cICP, changes nothing', async () => {
    for (const chunks of [
      [gama(45_455)],
      [gama(47_000)],
      [gama(100_000), ['sRGB', Buffer.of(0)]],
      [gama(100_000), ['iCCP', iccp]],
      [cicp(1, 13, 0, 1), gama(100_000)],
      [gama(0)],
    ] as const)
      expect(await rgbOf(pngFile(colourful, 8, chunks))).toEqual(colourful.values);
  });

  test('cICP of sRGB and of video is read; other colours are refused by their numbers', async () => {
    for (const numbers of [
      [1, 13, 0, 1],
      [1, 1, 0, 1],
      [5, 6, 0, 1],
    ])
      expect(await rgbOf(pngFile(colourful, 8, [cicp(...numbers)]))).toEqual(colourful.values);
    for (const [primaries, transfer] of [
      [9, 16],
      [9, 18],
      [12, 13],
      [1, 8],
    ])
      expect(await refusal(pngFile(colourful, 16, [cicp(primaries!, transfer!, 0, 1)]))).toBe(
        `unsupported_format: the PNG image has colours (cICP ${primaries}, ${transfer}) that are not supported; export it as sRGB`,
      );
  });
});

describe('a GIF file', () => {
  test.each([
    [20, { left: 5, top: 5, side: 10 }],
    [20, { left: 0, top: 0, side: 10 }],
    [12, { left: 2, top: 1, side: 10 }],
    [10, { left: 0, top: 0, side: 10 }],
  ])('with a canvas of %i around its first frame, %j, is white there', async (canvas, frame) => {
    const { data, width, height } = await decodePicture(gifFile(canvas, frame));
    expect([width, height]).toEqual([canvas, canvas]);
    const channels = data.length / width / height;
    for (let y = 0; y < canvas; y++)
      for (let x = 0; x < canvas; x++) {
        const inside =
          x >= frame.left && x < frame.left + frame.side && y >= frame.top && y < frame.top + frame.side;
        const at = channels * (y * width + x);
        expect(Array.from(data.subarray(at, at + 3))).toEqual(inside ? [255, 0, 0] : [255, 255, 255]);
      }
  });
});

describe('a JPEG file', () => {
  const noise = Buffer.from(Array.from({ length: 80 * 60 * 3 }, (_, i) => (i * 7919 + (i >> 8) * 31) % 256));
  const made = (options: JpegOptions) =>
    sharp(noise, { raw: { width: 80, height: 60, channels: 3 } })
      .jpeg(options)
      .toBuffer();

  test.each([
    ['baseline', {}],
    ['progressive', { progressive: true }],
  ])('(%s) that lacks only its end marker is read; one that lacks more is not', async (_, options) => {
    const whole = await made(options);
    const pixels = await rgbOf(whole);
    expect(await rgbOf(whole.subarray(0, -2))).toEqual(pixels);
    expect(await rgbOf(whole.subarray(0, -1))).toEqual(pixels);
    for (const cut of [4, 5, 10, 30, 100, 300, 1000])
      expect(await refusal(whole.subarray(0, -cut)), `${cut} bytes`).toMatch(/^broken_image/);
    // cut between two scans, where a decoder sees nothing amiss
    const scans = [...whole.toString('latin1').matchAll(/\xff\xda/g)].map(({ index }) => index);
    for (const at of scans) {
      const tables = whole.lastIndexOf('\xff\xc4', at, 'latin1');
      for (const cut of [at, tables])
        expect(await refusal(whole.subarray(0, cut)), `at ${cut}`).toMatch(/^broken_image/);
    }
  });

  test('of a kind that is not supported is said to be so', async () => {
    const odd = Buffer.from(await made({}));
    const frame = odd.indexOf(Buffer.of(0xff, 0xc0));
    odd[frame + 4] = 12; // bits a sample
    expect(await refusal(odd)).toBe(
      'unsupported_format: the JPEG image is of a kind that is not supported; export it as PNG',
    );
  });
});

test('an AVIF sequence is its first frame', async () => {
  const still = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#c04020' } })
    .avif({ effort: 0 })
    .toBuffer();
  const sequence = Buffer.from(still);
  sequence.write('avis', 8, 'latin1');
  expect(imageFormat(sequence)).toBe('AVIF');
  expect(await rgbOf(sequence)).toEqual(await rgbOf(still));
});

test.each([
  ['HEIC', '\0\0\0\x18ftypheic\0\0\0\0mif1heic'],
  ['HEIC', '\0\0\0\x18ftypmsf1\0\0\0\0msf1hevc'],
  ['HEIC', '\0\0\0\x18ftypheix\0\0\0\0heixmif1'],
  ['A video', '\0\0\0\x18ftypisom\0\0\0\0isommp42'],
  ['JPEG XL', '\0\0\0\x0cJXL \r\n'],
  ['JPEG 2000', '\0\0\0\x0cjP  \r\n'],
  ['PSD', '8BPS\0\x01'],
  ['ICO', '\0\0\x01\0\x01\0'],
  ['HDR', 'v/1\x01'],
  ['Netpbm', 'P6\n1 1\n255\n'],
  ['A gzip or tar.gz archive', '\x1f\x8b\x08'],
  ['A tar archive', `${'x'.padEnd(257, '\0')}ustar`],
  ['A 7z, rar, xz, bzip2 or zstd archive', "7z\xbc\xaf'\x1c"],
  ['A zip archive', 'PK\x03\x04'],
])('%s is refused by name', (name, start) => {
  const bytes = Buffer.from(start, 'latin1');
  expect(imageFormat(bytes)).toBeUndefined();
  expect(refusalOf(bytes)).toMatch(new RegExp(`^${name} is not accepted.*; `));
});
