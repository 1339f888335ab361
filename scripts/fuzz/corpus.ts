import { deflateSync } from 'node:zlib';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { keyFrom, uniform } from '../../model/random.ts';
import { colourful, gifFile, pngFile, scaled, srgbProfile, tiffFile } from './odd-images.ts';
import { adobeColours, iccProfile } from './profiles.ts';

/** What cases are mutations of. */
export interface Corpus {
  /** one image a format, some of them odd */
  readonly images: readonly Buffer[];
  /** images of kinds that are refused by name */
  readonly refused: readonly Buffer[];
  /** a task of images and one of points, which the service has */
  readonly imagesTask: string;
  readonly pointsTask: string;
}

export const points = [
  [-2, -0.9],
  [-1, -0.8],
  [0, 0.1],
  [1, 0.9],
];

/** Small images of every format that the service decodes, and of odd kinds. */
export async function imagesOfEveryKind(): Promise<Buffer[]> {
  const side = 40;
  const pixels = Buffer.from(uniform(keyFrom(3), side * side * 4).map((value) => 255 * value));
  const colour = () => sharp(pixels, { raw: { width: side, height: side, channels: 4 } });
  const grey = () =>
    sharp(pixels.subarray(0, side * side), { raw: { width: side, height: side, channels: 1 } });
  const plain = await Promise.all([
    colour().jpeg().toBuffer(),
    colour().jpeg({ progressive: true }).withMetadata({ orientation: 6 }).toBuffer(),
    colour().toColourspace('cmyk').jpeg().toBuffer(),
    grey().jpeg().toBuffer(),
    colour().png().toBuffer(),
    grey().toColourspace('b-w').png({ palette: true }).toBuffer(),
    colour().toColourspace('rgb16').png().toBuffer(),
    colour().webp().toBuffer(),
    colour().webp({ lossless: true }).toBuffer(),
    colour().avif({ effort: 0 }).toBuffer(),
    colour().gif().toBuffer(),
    colour().tiff().toBuffer(),
    colour().tiff({ compression: 'lzw', tile: true }).toBuffer(),
    colour().jpeg().toBuffer().then(withoutEnd),
    colour().avif({ effort: 0 }).toBuffer().then(asSequence),
  ]);
  return [...plain, ...(await oddColours())];
}

const withoutEnd = (jpeg: Buffer): Buffer => jpeg.subarray(0, -2);

/** An AVIF file as those of sequences begin. */
function asSequence(avif: Buffer): Buffer {
  const sequence = Buffer.from(avif);
  sequence.write('avis', 8, 'latin1');
  return sequence;
}

/** Sixteen bits with a profile, gammas, floating-point numbers, canvases around frames. */
async function oddColours(): Promise<Buffer[]> {
  const { iccp, profile } = await srgbProfile();
  const deep = scaled(colourful, 257);
  const wide = iccProfile(2.2, adobeColours);
  const linear = iccProfile(1, adobeColours);
  const grey = { width: 8, channels: 1, values: deep.values.slice(0, 16) };
  const iccpOf = (own: Buffer) => ['iCCP', Buffer.concat([Buffer.from('x\0\0'), deflateSync(own)])] as const;
  return [
    pngFile(deep, 16, [iccpOf(wide)]),
    pngFile(deep, 16, [iccpOf(linear)]),
    pngFile(grey, 16, [iccpOf(iccProfile(1.75))]),
    tiffFile(deep, { bits: 16, profile: wide }),
    await sharp({ create: { width: 16, height: 16, channels: 3, background: '#c04020' } })
      .tiff({ compression: 'jpeg', quality: 80 })
      .toBuffer(),
    pngFile(deep, 16, [['iCCP', iccp]]),
    pngFile(deep, 16, [['gAMA', Buffer.of(0, 1, 0x86, 0xa0)]]),
    pngFile(colourful, 8, [['cICP', Buffer.of(1, 13, 0, 1)]]),
    tiffFile(deep, { bits: 16, profile }),
    tiffFile(colourful, { bits: 32, format: 3 }),
    tiffFile(scaled(colourful, 1 / 255), { bits: 32, format: 3, big: true }),
    gifFile(20, { left: 5, top: 5, side: 10 }),
    tiffFile(scaled(colourful, 1 / 255), { bits: 32, format: 3, orientation: 6 }),
  ];
}

/** Images of kinds that are refused by name. */
export const refusedImages = (): readonly Buffer[] => [
  tiffFile(colourful, { bits: 32 }),
  tiffFile(scaled(colourful, 0.4), { bits: 8, format: 2 }),
  tiffFile(scaled(colourful, 20), { bits: 32, format: 3 }),
  tiffFile(colourful, { bits: 8, photometric: 1, extra: [0, 0] }),
  pngFile(colourful, 8, [['cICP', Buffer.of(9, 16, 0, 1)]]),
  pngFile(colourful, 8, [['cICP', Buffer.of(1, 13, 0, 0)]]),
  tiffFile(colourful, { bits: 8, photometric: 8 }),
  tiffFile(colourful, { bits: 8, photometric: 6 }),
  tiffFile(colourful, { bits: 8, preview: true }),
  Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1'),
  Buffer.from('\0\0\x02\0\0\0\0\0\0\0\0\0 \0\x18\0\x18\x20pixels', 'latin1'),
  Buffer.from('\xef\xbf\xbdPNG\r\n\x1a\n', 'latin1'),
  Buffer.alloc(0),
  Buffer.from('\xff\xd8\xff\xf7\0\x0b\x08\0\x01\0\x01\x01\x01\x11\0', 'latin1'),
];

/** The files of a zip archive by path: two classes, two images each. */
export const folders = (images: readonly Buffer[]): Readonly<Record<string, Buffer>> => ({
  'cat/1.jpg': images[0]!,
  'cat/2.png': images[4]!,
  'dog/1.webp': images[7]!,
  'dog/2.gif': images[10]!,
});

/** An archive, the same whenever it is made. */
export const zipOf = (files: Readonly<Record<string, Uint8Array>>): Buffer =>
  Buffer.from(zipSync(files, { mtime: new Date(1990, 0, 1) }));

export const fuzzBoundary = 'fuzz-boundary';

/** A multipart/form-data body of [field, file]. */
export function multipartOf(files: readonly (readonly [string, Buffer])[]): Buffer {
  const parts = files.flatMap(([field, content], index) => [
    Buffer.from(
      `--${fuzzBoundary}\r\nContent-Disposition: form-data; name="${field}"; filename="${index}.jpg"\r\n` +
        'Content-Type: image/jpeg\r\n\r\n',
    ),
    content,
    Buffer.from('\r\n'),
  ]);
  return Buffer.concat([...parts, Buffer.from(`--${fuzzBoundary}--\r\n`)]);
}
