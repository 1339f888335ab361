import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

/** Samples of a picture, row by row, interleaved. */
export interface Samples {
  readonly width: number;
  readonly channels: number;
  readonly values: readonly number[];
}

/** Eight pixels of red, green, blue, white, greys and dark colours, two rows. */
const colours = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 255],
  [128, 128, 128],
  [200, 100, 50],
  [10, 20, 30],
  [1, 2, 3],
];
export const colourful: Samples = { width: 8, channels: 3, values: [...colours, ...colours].flat() };

export const scaled = ({ width, channels, values }: Samples, factor: number): Samples => ({
  width,
  channels,
  values: values.map((value) => value * factor),
});

const heightOf = ({ width, channels, values }: Samples) => values.length / width / channels;

/** By the number of channels: grey, with alpha, RGB, with alpha (PNG, 11.2.1). */
const colourTypes = [0, 0, 4, 2, 6];

/** A PNG file with chunks of one's own before its pixels. */
export function pngFile(
  samples: Samples,
  depth: 8 | 16,
  chunks: readonly (readonly [string, Uint8Array])[] = [],
): Buffer {
  const { width, channels, values } = samples;
  const height = heightOf(samples);
  const bytes = depth / 8;
  const rows = Array.from({ length: height }, (_, y) => {
    const row = Buffer.alloc(1 + width * channels * bytes);
    values
      .slice(y * width * channels, (y + 1) * width * channels)
      .forEach((value, i) => row.writeUIntBE(value, 1 + i * bytes, bytes));
    return row;
  });
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([depth, colourTypes[channels]!], 8);
  const all = [
    ['IHDR', head],
    ...chunks,
    ['IDAT', deflateSync(Buffer.concat(rows))],
    ['IEND', Buffer.alloc(0)],
  ] as const;
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    ...all.flatMap(([type, data]) => chunk(type, data)),
  ]);
}

function chunk(type: string, data: Uint8Array): Buffer[] {
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  const body = Buffer.concat([Buffer.from(type), data]);
  sum.writeUInt32BE(crc32(body));
  return [length, body, sum];
}

/** sRGB's profile as a PNG chunk, and by itself for TIFF. */
export async function srgbProfile(): Promise<{ readonly iccp: Buffer; readonly profile: Buffer }> {
  const made = sharp({ create: { width: 1, height: 1, channels: 3, background: '#fff' } }).withIccProfile(
    'srgb',
  );
  const profile = (await sharp(await made.png().toBuffer()).metadata()).icc!;
  return { iccp: Buffer.concat([Buffer.from('x\0\0'), deflateSync(profile)]), profile };
}

export interface TiffOptions {
  readonly bits: 8 | 16 | 32 | 64;
  /** 1 unsigned, 2 signed, 3 floating-point, 6 complex */
  readonly format?: number;
  readonly photometric?: number;
  readonly extra?: readonly number[];
  readonly profile?: Uint8Array;
  readonly geographic?: boolean;
  readonly big?: boolean;
  /** whether it says that it is a smaller copy of another image */
  readonly preview?: boolean;
  /** 1 to 8, as EXIF has it */
  readonly orientation?: number;
}

/** Of SHORT, LONG and UNDEFINED (TIFF 6.0, 2). */
const typeBytes: ReadonlyMap<number, number> = new Map([
  [3, 2],
  [4, 4],
  [7, 1],
]);

/** An uncompressed little-endian TIFF or BigTIFF file of one strip. */
export function tiffFile(samples: Samples, options: TiffOptions): Buffer {
  const { width, channels, values } = samples;
  const {
    bits,
    format = 1,
    photometric = channels < 3 ? 1 : 2,
    extra,
    profile,
    geographic,
    big = false,
    preview = false,
    orientation = 1,
  } = options;
  const data = samplesOf(values, bits, format);
  const tags: (readonly [tag: number, type: number, values: readonly number[] | Uint8Array])[] = [
    [254, 4, [preview ? 1 : 0]],
    [256, 4, [width]],
    [257, 4, [heightOf(samples)]],
    [258, 3, Array<number>(channels).fill(bits)],
    [259, 3, [1]],
    [262, 3, [photometric]],
    [273, 4, [0]], // the strip, at the end
    [274, 3, [orientation]],
    [277, 3, [channels]],
    [278, 4, [heightOf(samples)]],
    [279, 4, [data.length]],
    [284, 3, [1]],
    ...(extra ? [[338, 3, extra] as const] : []),
    [339, 3, Array<number>(channels).fill(format)],
    ...(profile ? [[34675, 7, profile] as const] : []),
    ...(geographic ? [[34735, 3, [1, 1, 0, 0]] as const] : []),
  ];
  const [word, entryBytes, start] = big ? [8, 20, 16] : [4, 12, 8];
  const head = Buffer.alloc(start);
  head.write(big ? 'II+\0\x08\0\0\0' : 'II*\0', 'latin1');
  head.writeUInt32LE(start, big ? 8 : 4);
  const directory = Buffer.alloc((big ? 8 : 2) + tags.length * entryBytes + word);
  directory.writeUInt16LE(tags.length, 0);
  const beyond: Buffer[] = [];
  let end = start + directory.length;
  for (const [index, [tag, type, given]] of tags.entries()) {
    const at = (big ? 8 : 2) + index * entryBytes;
    const size = typeBytes.get(type)!;
    const bytes = Buffer.alloc(Math.max(word, given.length * size));
    Array.from(given).forEach((value, i) => bytes.writeUIntLE(value, i * size, size));
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeUInt32LE(given.length, at + 4);
    if (bytes.length === word) bytes.copy(directory, at + 4 + word);
    else {
      directory.writeUInt32LE(end, at + 4 + word);
      beyond.push(bytes);
      end += bytes.length;
    }
  }
  directory.writeUInt32LE(end, (big ? 8 : 2) + 6 * entryBytes + 4 + word);
  return Buffer.concat([head, directory, ...beyond, data]);
}

function samplesOf(values: readonly number[], bits: number, format: number): Buffer {
  const data = Buffer.alloc((values.length * bits) / 8);
  values.forEach((value, i) => {
    const at = (i * bits) / 8;
    if (format === 3 && bits === 32) data.writeFloatLE(value, at);
    else if (format === 3 && bits === 64) data.writeDoubleLE(value, at);
    else if (format === 2) data.writeIntLE(value, at, Math.min(bits, 32) / 8);
    else data.writeUIntLE(value, at, Math.min(bits, 32) / 8);
  });
  return data;
}

/** A GIF file of one frame, all red, on a canvas of another size. */
export function gifFile(canvas: number, frame: { left: number; top: number; side: number }): Buffer {
  const { left, top, side } = frame;
  const head = Buffer.alloc(13);
  head.write('GIF89a', 'latin1');
  head.writeUInt16LE(canvas, 6);
  head.writeUInt16LE(canvas, 8);
  head[10] = 0x80; // a colour table of two
  const descriptor = Buffer.alloc(10);
  descriptor[0] = 0x2c;
  [left, top, side, side].forEach((value, i) => descriptor.writeUInt16LE(value, 1 + 2 * i));
  // codes of three bits: clear (4) before every pixel keeps them so, 1 is red, 5 the end
  const codes = [...Array.from({ length: side * side }, () => [4, 1]).flat(), 5];
  const packed = Buffer.alloc(Math.ceil((codes.length * 3) / 8) + 1);
  codes.forEach((code, i) => {
    for (let bit = 0; bit < 3; bit++)
      if (code & (1 << bit)) packed[(3 * i + bit) >> 3]! |= 1 << ((3 * i + bit) & 7);
  });
  const blocks = Array.from({ length: Math.ceil(packed.length / 255) }, (_, i) => {
    const block = packed.subarray(255 * i, 255 * (i + 1));
    return Buffer.concat([Buffer.of(block.length), block]);
  });
  return Buffer.concat([
    head,
    Buffer.of(0, 0, 0, 255, 0, 0),
    descriptor,
    Buffer.of(2),
    ...blocks,
    Buffer.of(0, 0x3b),
  ]);
}
