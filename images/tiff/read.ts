import type { Sharp } from 'sharp';
import { ImageError } from '../image-error.ts';
import type { Picture } from '../pixels/resize.ts';
import type { TiffLayout } from './layout.ts';

/** Samples of colour by photometric interpretation (TIFF 6.0, 8): of grey, RGB, palettes, CMYK and YCbCr. */
const channelCounts: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [1, 1],
  [2, 3],
  [3, 1],
  [5, 4],
  [6, 3],
]);
const blackIsZero = 1;
const rgb = 2;
const palette = 3;
const yCbCr = 6;
/** Of L*a*b*, with whatever white: what the decoder makes of them depends on the bits. */
const labs: ReadonlySet<number> = new Set([8, 9, 10]);
const jpeg = 7;
/** Bits of unsigned samples that the decoder reads. */
const knownBits: ReadonlySet<number> = new Set([1, 2, 4, 8, 16]);
/** The largest value of a picture of 0 to 255: less is as likely a picture beyond 1, or a measurement. */
const leastWhite = 16;

export const isFloat = ({ formats }: TiffLayout): boolean => formats.includes(3);

/**
 * Sees to it that a file's samples can be read with certainty.
 * @throws ImageError unsupported_format, which names what it is
 */
export function checkTiff(layout: TiffLayout): void {
  const refuse = (what: string) =>
    new ImageError('unsupported_format', `the TIFF image has ${what}; export it with 8 bits a channel`);
  const { bits, formats, photometric, compression, samples, extra } = layout;
  if (layout.isPreview)
    throw new ImageError(
      'unsupported_format',
      'the TIFF image begins with a preview, as raw files of cameras do; export it as JPEG',
    );
  const [depth = 1] = bits;
  const [format = 1] = formats;
  if (format === 2) throw refuse(`signed integers of ${depth} bits`);
  if (format > 4) throw refuse('complex numbers');
  if (format === 3 ? depth !== 32 : !knownBits.has(depth))
    throw refuse(`${format === 3 ? 'floating-point numbers' : 'integers'} of ${depth} bits`);
  if (
    [...bits, ...Array<number>(Math.max(0, samples - bits.length)).fill(depth)].some(
      (other) => other !== depth,
    )
  )
    throw refuse('channels of different bits');
  if (depth < 8 && samples > 1) throw refuse(`${samples} channels of ${depth} bits`);
  if (photometric === palette && depth > 8) throw refuse(`a palette of ${depth} bits`);
  if (photometric === yCbCr && compression !== jpeg)
    throw refuse('YCbCr colours that are not packed as JPEG');
  if (photometric !== undefined && labs.has(photometric)) throw refuse('L*a*b* colours');
  const colours = channelCounts.get(photometric ?? (samples < 3 ? 1 : 2));
  if (colours === undefined)
    throw refuse(`colours (photometric interpretation ${photometric}) that are not supported`);
  const others = samples - colours;
  if (others > 1 || others < 0 || (others === 1 && photometric !== rgb && !isAlpha(extra[0])))
    throw refuse(`${samples} bands`);
  if (layout.isGeographic && colours === 1 && depth > 8)
    throw refuse('one band of measurements, such as an elevation model');
  if (format === 3 && layout.hasProfile) throw refuse('floating-point numbers with a colour profile');
  const isPlain = photometric === rgb || (photometric === blackIsZero && others === 0);
  if (format === 3 && !isPlain)
    throw refuse('floating-point numbers that are neither RGB nor grey from black to white');
}

const isAlpha = (kind: number | undefined) => kind === 1 || kind === 2;

/** Whether a fourth channel beside RGB is something else than alpha: it is dropped. */
export const hasStranger = ({ photometric, samples, extra }: TiffLayout): boolean =>
  photometric === rgb && samples === 4 && !isAlpha(extra[0]);

/**
 * A picture of floating-point numbers. They are 0 to 1 where none is above 1, and 0 to 255 where the largest is 16 to
 * 255; they are taken as they are, without a gamma.
 * @throws ImageError unsupported_format for all others, such as measurements
 */
export async function readFloats(image: Sharp, { photometric }: TiffLayout): Promise<Picture> {
  // colour spaces of the decoder in which it leaves numbers as they are
  const space = photometric === rgb ? 'scrgb' : 'b-w';
  const own = photometric === rgb ? image.pipelineColourspace(space) : image;
  const { data, info } = await own
    .autoOrient()
    .toColourspace(space)
    .raw({ depth: 'float' })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const values = new Float32Array(data.buffer, data.byteOffset, width * height * channels);
  const colours = channels === 1 ? 1 : 3;
  const [low, high] = rangeOf(values, channels, 0, colours);
  const scale = scaleOf(low, high);
  const hasAlpha = channels > colours;
  const alphaScale = hasAlpha && rangeOf(values, channels, colours, channels)[1] <= 1 ? 255 : 1;
  const picture = new Uint8Array(width * height * (hasAlpha ? 4 : 3));
  let to = 0;
  for (let at = 0; at < values.length; at += channels) {
    for (let c = 0; c < 3; c++) picture[to++] = Math.round(scale * values[at + (colours === 3 ? c : 0)]!);
    if (hasAlpha) picture[to++] = Math.round(Math.min(255, Math.max(0, alphaScale * values[at + colours]!)));
  }
  return { data: picture, width, height };
}

/** The least and the largest value of some channels; NaN where one is no number. */
function rangeOf(
  values: Float32Array,
  channels: number,
  first: number,
  end: number,
): readonly [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let at = 0; at < values.length; at += channels)
    for (let channel = first; channel < end; channel++) {
      const value = values[at + channel]!;
      if (!Number.isFinite(value)) return [NaN, NaN];
      if (value < low) low = value;
      if (value > high) high = value;
    }
  return [low, high];
}

function scaleOf(low: number, high: number): number {
  if (low >= 0 && high <= 1) return 255;
  if (low >= 0 && high >= leastWhite && high <= 255) return 1;
  const found = `from ${Number(low.toPrecision(4))} to ${Number(high.toPrecision(4))}`;
  throw new ImageError(
    'unsupported_format',
    `the TIFF image has floating-point numbers ${found}, neither 0 to 1 nor 0 to 255; export it with 8 bits a channel`,
  );
}
