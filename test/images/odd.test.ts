import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import type { JpegOptions } from 'sharp';
import { describe, expect, test } from 'vitest';
import { decodePicture } from '../../images/decode.ts';
import { imageFormat, refusalOf } from '../../images/format.ts';
import { ImageError } from '../../images/image-error.ts';
import { tiffLayout } from '../../images/tiff/layout.ts';
import { colourful, gifFile, pngFile, scaled, srgbProfile, tiffFile } from '../../scripts/fuzz/odd-images.ts';
import type { Samples } from '../../scripts/fuzz/odd-images.ts';
import { adobeColours, iccProfile } from '../../scripts/fuzz/profiles.ts';

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
/** A TIFF file of RGB that says that its samples have other bits. */
const ofBits = (tiff: Buffer, bits: number): Buffer => {
  const odd = Buffer.from(tiff);
  const at = odd.indexOf(Buffer.from([8, 0, 8, 0, 8, 0]));
  odd.set([bits, 0, bits, 0, bits, 0], at);
  return odd;
};
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

describe('16 bits with a profile of other colours', () => {
  const wide = iccProfile(2.2, adobeColours);
  const dull = iccProfile(1.75);
  const iccpOf = (own: Buffer) => ['iCCP', Buffer.concat([Buffer.from('x\0\0'), deflateSync(own)])] as const;
  const first = async (bytes: Buffer) => (await rgbOf(bytes)).slice(0, 24);

  test('are what 8 bits are, beyond Display P3 and in grey, with alpha and without', async () => {
    const eight = await rgbOf(pngFile(colourful, 8, [iccpOf(wide)]));
    expect(furthest(eight, colourful.values)).toBeGreaterThan(20); // 128, 128, 128 stays, green does not
    const deep = scaled(colourful, 257);
    for (const file of [pngFile(deep, 16, [iccpOf(wide)]), tiffFile(deep, { bits: 16, profile: wide })])
      expect(furthest(await rgbOf(file), eight)).toBeLessThanOrEqual(1);
    const clear = [pngFile(withExtra(colourful, 77), 8, [iccpOf(wide)])];
    clear.push(pngFile(withExtra(deep, 77 * 257), 16, [iccpOf(wide)]));
    const [shallow, full] = await Promise.all(clear.map(rgbOf));
    expect(furthest(full!, shallow!)).toBeLessThanOrEqual(1);

    const shades = await first(pngFile(grey, 8, [iccpOf(dull)]));
    expect(furthest(shades, greyAsRgb.slice(0, 24))).toBeGreaterThan(10);
    for (const file of [
      pngFile(scaled(grey, 257), 16, [iccpOf(dull)]),
      tiffFile(scaled(grey, 257), { bits: 16, profile: dull }),
    ])
      expect(furthest(await first(file), shades)).toBeLessThanOrEqual(1);
  });

  test('are read without it where it is none', async () => {
    const broken = Buffer.from(wide.map((byte, i) => (i < 100 ? byte : 255)));
    for (const none of [broken, Buffer.alloc(200), wide.subarray(0, 140)])
      for (const samples of [colourful, grey]) {
        const shallow = await rgbOf(tiffFile(samples, { bits: 8, profile: none }));
        const file = tiffFile(scaled(samples, 257), { bits: 16, profile: none });
        expect(furthest(await rgbOf(file), shallow)).toBeLessThanOrEqual(1);
      }
  });

  test('keep what is dark in linear light', async () => {
    const linear = iccProfile(1, adobeColours);
    const dark: Samples = { width: 4, channels: 3, values: [0, 20, 60, 131].flatMap((v) => [v, v, v]) };
    const shades = (await rgbOf(pngFile(dark, 16, [iccpOf(linear)]))).filter((_, i) => i % 3 === 1);
    // 255 x 12.92 x light
    expect(furthest(shades, [0, 1, 3, 7])).toBeLessThanOrEqual(1);
    expect(new Set(shades).size).toBe(4);
  });

  test('are turned as the file says, once', async () => {
    const sides: Samples = { width: 2, channels: 3, values: [65535, 0, 0, 0, 0, 65535] };
    const turned = await sharp(pngFile(sides, 16, [iccpOf(iccProfile(2.2, adobeColours))]))
      .keepIccProfile()
      .withExif({})
      .withMetadata({ orientation: 3 })
      .toColourspace('rgb16')
      .png()
      .toBuffer();
    expect(await sharp(turned).metadata()).toMatchObject({
      depth: 'ushort',
      orientation: 3,
      hasProfile: true,
    });
    const [red, , blue] = await rgbOf(turned);
    expect(blue! > 200 && red! < 60).toBe(true);
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

  test('of floats is turned as the file says', async () => {
    const turned = async (samples: Samples, bits: 8 | 32) => {
      const file = tiffFile(samples, { bits, format: bits === 8 ? 1 : 3, orientation: 6 });
      const { data, ...size } = await decodePicture(file);
      return { ...size, data: Array.from(data) };
    };
    for (const samples of [colourful, grey]) {
      const plain = await turned(samples, 8);
      expect([plain.width, plain.height]).toEqual([2, 8]);
      expect(await turned(unit(samples), 32)).toEqual(plain);
    }
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
    ['L*a*b*', tiffFile(colourful, { bits: 8, photometric: 8 }), 'L\\*a\\*b\\* colours'],
    ['L*a*b* of 16 bits', tiffFile(colourful, { bits: 16, photometric: 8 }), 'L\\*a\\*b\\* colours'],
    ['YCbCr that is not packed', tiffFile(colourful, { bits: 8, photometric: 6 }), 'YCbCr colours'],
    ['colours of 4 bits', ofBits(tiffFile(colourful, { bits: 8 }), 4), '3 channels of 4 bits'],
    ['a palette of 16 bits', tiffFile(grey, { bits: 16, photometric: 3 }), 'a palette of 16 bits'],
    [
      'floats with a profile',
      tiffFile(unit(colourful), { bits: 32, format: 3, profile }),
      'a colour profile',
    ],
  ])('of %s is refused by name', async (_, bytes, reason) => {
    expect(await refusal(bytes)).toMatch(
      new RegExp(`^unsupported_format: the TIFF image has .*${reason}.*; export it`),
    );
  });

  test('that begins with a preview, as raw files of cameras do, is refused', async () => {
    expect(await refusal(tiffFile(colourful, { bits: 8, preview: true }))).toBe(
      'unsupported_format: the TIFF image begins with a preview, as raw files of cameras do; export it as JPEG',
    );
  });

  test('of YCbCr packed as JPEG is read', async () => {
    const made = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#c04020' } })
      .tiff({ compression: 'jpeg', quality: 80 })
      .toBuffer();
    expect(tiffLayout(made)).toMatchObject({ photometric: 6, compression: 7 });
    expect(furthest((await rgbOf(made)).slice(0, 3), [0xc0, 0x40, 0x20])).toBeLessThanOrEqual(4);
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
        `unsupported_format: the PNG image has colours (cICP ${primaries}, ${transfer}, 0, 1) that are not supported; export it as sRGB`,
      );
    for (const narrow of [cicp(1, 13, 0, 0), cicp(1, 1, 1, 1)])
      expect(await refusal(pngFile(colourful, 8, [narrow]))).toMatch(/^unsupported_format: .* \(cICP 1, 1/);
  });
});

test("Apple's files that are called PNG are refused by name", async () => {
  const plain = pngFile(colourful, 8);
  const odd = Buffer.concat([plain.subarray(0, 8), Buffer.from('\0\0\0\x04CgBI\x50\0\x20\x02', 'latin1')]);
  expect(await refusal(Buffer.concat([odd, Buffer.alloc(4), plain.subarray(8)]))).toMatch(
    /^unsupported_format: the PNG image is of the kind that only apps of iOS read/,
  );
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

test('a GIF file without any table of colours is refused by name', async () => {
  const whole = gifFile(10, { left: 0, top: 0, side: 10 });
  const table = 3 * 2;
  const odd = Buffer.concat([whole.subarray(0, 13), whole.subarray(13 + table)]);
  odd[10]! &= 0x7f;
  expect(await refusal(odd)).toMatch(/^unsupported_format: the GIF image has no table of colours/);
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

describe('a JPEG file of another coding', () => {
  test('JPEG-LS is said not to be supported', async () => {
    const bytes = Buffer.from('\xff\xd8\xff\xf7\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0', 'latin1');
    expect(await refusal(bytes)).toMatch(/^unsupported_format: the JPEG image is of a kind/);
  });
});

test('AVIF of the colours of sRGB and video is read; of others it is refused by their numbers', async () => {
  // of Pillow, since sharp writes no code points: 16 x 16 of #c04020
  const avif = Buffer.from(
    [
      'AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUEAAADrbWV0YQAAAAAAAAAhaGRscgAAAAAAAAAAcGljdAAAAAAAAAAA',
      'AAAAAAAAAAAOcGl0bQAAAAAAAQAAAB5pbG9jAAAAAEQAAAEAAQAAAAEAAAETAAAAKAAAAChpaW5mAAAAAAABAAAAGmluZmUC',
      'AAAAAAEAAGF2MDFDb2xvcgAAAABqaXBycAAAAEtpcGNvAAAAFGlzcGUAAAAAAAAAEAAAABAAAAAQcGl4aQAAAAADCAgIAAAA',
      'DGF2MUOBIAAAAAAAE2NvbHJuY2x4AAEADQAGgAAAABdpcG1hAAAAAAAAAAEAAQQBAoMEAAAAMG1kYXQSAAoIOAz/2kBDQaQy',
      'GhICQ0qAQQQfIAAAdYVch+KDb5lrbctt/bVA',
    ].join(''),
    'base64',
  );
  const at = avif.indexOf('colrnclx');
  expect(at).toBeGreaterThan(0);
  const withColours = (primaries: number, transfer: number) => {
    const odd = Buffer.from(avif);
    odd.writeUInt16BE(primaries, at + 8);
    odd.writeUInt16BE(transfer, at + 10);
    return odd;
  };
  for (const [primaries, transfer] of [
    [1, 13],
    [1, 1],
    [2, 2],
    [6, 6],
  ] as const)
    expect(
      furthest((await rgbOf(withColours(primaries, transfer))).slice(0, 3), [0xc0, 0x40, 0x20]),
    ).toBeLessThan(9);
  for (const [primaries, transfer] of [
    [12, 13],
    [9, 16],
    [9, 18],
    [1, 8],
  ] as const)
    expect(await refusal(withColours(primaries, transfer))).toBe(
      `unsupported_format: the AVIF image has colours (nclx ${primaries}, ${transfer}) that are not supported; export it as sRGB`,
    );
  // no boxes to follow, sizes that lead nowhere
  for (const cut of [20, 40, at, at + 9])
    expect(await refusal(avif.subarray(0, cut))).toMatch(/^broken_image/);
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
  ['A raw file of a camera', '\0\0\0\x18ftypcrx \0\0\0\x01crx isom'],
  ['A raw file of a camera', 'FUJIFILMCCD-RAW 0201'],
  ['A web page', '<!DOCTYPE html><html>'],
  ['A web page', '\n<HTML lang="en">'],
  ['A pointer of Git LFS', 'version https://git-lfs.github.com/spec/v1\noid sha256:4d'],
  ['A video', '\x1a\x45\xdf\xa3'],
  ['A video', 'RIFF\0\0\0\0AVI LIST'],
  ['PostScript', '%!PS-Adobe-3.0'],
  ['ICO', '\0\0\x02\0\x01\0'],
  ['TGA', '\0\0\x02\0\0\0\0\0\0\0\0\0 \0\x18\0\x18\x20pixels'],
  ['TGA', '\x04\x01\x09\0\0\0\x01\x18\0\0\0\0 \0\x18\0\x08\0name'],
  ['ICNS', 'icns\0\0\x01\0'],
  ['DDS', 'DDS \x7c\0\0\0'],
  ['QOI', 'qoif\0\0\0\x01'],
  ['PCX', '\x0a\x05\x01\x08'],
  ['SGI', '\x01\xda\x01\x01'],
  ['XBM', '#define a_width 8\n'],
  ['XCF', 'gimp xcf v011\0'],
  ['DjVu', 'AT&TFORM'],
  ['JPEG XR', 'II\xbc\x01\x20\0\0\0'],
  ['A file of arrays', '\x93NUMPY\x01\0'],
  ['A file of arrays', '\x89HDF\r\n\x1a\n'],
  ['A file that macOS keeps beside others', '\0\x05\x16\x07\0\x02\0\0Mac OS X'],
  ['An image that was read or sent as text', '\xef\xbf\xbdPNG\r\n\x1a\n'],
  ['An image that was read or sent as text', '\x89PNG\n\x1a\n\0\0'],
  ['An image that was read or sent as text', '\xef\xbf\xbd'.repeat(4) + '\0\x10JFIF'],
  ['Base64 text', 'iVBORw0KGgoAAAANSUhEUg'],
  ['Base64 text', 'data:image/png;base64,iVBORw0KGgo'],
])('%s is refused by name', (name, start) => {
  const bytes = Buffer.from(start, 'latin1');
  expect(imageFormat(bytes)).toBeUndefined();
  expect(refusalOf(bytes)).toMatch(new RegExp(`^${name}(?: \\(.*\\))? is not accepted.*; `));
});

test('an empty file is said to be empty', async () => {
  expect(await refusal(Buffer.alloc(0))).toBe('unsupported_format: An empty file is not accepted');
});
