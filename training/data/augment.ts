import * as z from 'zod';
import { uniform } from '../../model/random.ts';
import type { Key } from '../../model/random.ts';

/** How images are changed each time that they are shown. */
export const augmentationSchema = z.strictObject({
  flip: z.boolean().default(false).describe('images are mirrored half the time'),
  crop: z.number().min(0).max(0.5).default(0).describe('largest share of the side that is cut off'),
  colour: z.number().min(0).max(1).default(0).describe('largest change of colours'),
  rotateClasses: z.boolean().default(false).describe('a class turned by a quarter is another class'),
});

export type Augmentation = Readonly<z.infer<typeof augmentationSchema>>;

export const noAugmentation: Augmentation = { flip: false, crop: 0, colour: 0, rotateClasses: false };

/** How one image is shown. Coordinates in pixels of the (turned) image. */
interface View {
  readonly quarterTurns: number;
  readonly flip: boolean;
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
  /** Per channel: 256 values of 0..1, the colour change of each byte. */
  readonly tables: readonly [Float32Array, Float32Array, Float32Array];
}

const identityTable = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/** Draws how an image of side `size` is shown: a pure function of the key. */
export function drawView(key: Key, augmentation: Augmentation, quarterTurns: number, size: number): View {
  const draws = uniform(key, 10);
  const crop = augmentation.crop;
  const height = size * (1 - crop * draws[0]!);
  const width = size * (1 - crop * draws[1]!);
  return {
    quarterTurns,
    flip: augmentation.flip && draws[2]! < 0.5,
    top: (size - height) * draws[3]!,
    left: (size - width) * draws[4]!,
    height,
    width,
    tables: colourTables(augmentation.colour, draws.subarray(5)),
  };
}

/** Contrast about mid-grey, brightness and channel gains; `draws` are five numbers of [0, 1). */
function colourTables(strength: number, draws: Float64Array): View['tables'] {
  if (strength === 0) return [identityTable, identityTable, identityTable];
  const about = (index: number): number => strength * (draws[index]! - 0.5); // -strength/2 .. strength/2
  const contrast = 1 + 2 * about(0);
  const brightness = about(1);
  const table = (channel: number): Float32Array => {
    const slope = (contrast * (1 + about(2 + channel))) / 255;
    const offset = 0.5 - 0.5 * contrast + brightness;
    const values = new Float32Array(256); // a plain loop: this runs for every image, and `from` is slow
    for (let byte = 0; byte < 256; byte++) values[byte] = Math.min(1, Math.max(0, slope * byte + offset));
    return values;
  };
  return [table(0), table(1), table(2)];
}

/** Bilinear taps along one output axis: byte offsets of the two neighbours, weight of the second. */
interface Taps {
  readonly near: Int32Array;
  readonly far: Int32Array;
  readonly weight: Float32Array;
}

/**
 * Writes one image as seen by `view`: uint8 planar [3, size, size] at `source` of `pixels` to 0..1 at `target`
 * of `output`, same layout. A view of the whole image copies pixels without interpolation.
 */
export function renderView(
  pixels: Uint8Array,
  source: number,
  size: number,
  view: View,
  output: Float32Array,
  target: number,
): void {
  const { quarterTurns } = view;
  const sideways = quarterTurns % 2 === 1; // then output rows run along source columns
  const rows = taps(view.top, view.height, size, sideways ? 1 : size, quarterTurns >= 2, false);
  const columns = taps(
    view.left,
    view.width,
    size,
    sideways ? size : 1,
    quarterTurns === 1 || quarterTurns === 2,
    view.flip,
  );
  const render = view.height === size && view.width === size ? copyChannel : interpolateChannel;
  for (const [channel, table] of view.tables.entries()) {
    const plane = channel * size * size;
    render(pixels, source + plane, rows, columns, table, output, target + plane);
  }
}

/**
 * @param start first coordinate of the window; @param length of the window
 * @param stride bytes between neighbours of the source along this axis
 * @param reversed the source runs against the window (turned images)
 * @param mirrored the window is read backwards (flipped images)
 */
function taps(
  start: number,
  length: number,
  size: number,
  stride: number,
  reversed: boolean,
  mirrored: boolean,
): Taps {
  const near = new Int32Array(size);
  const far = new Int32Array(size);
  const weight = new Float32Array(size);
  const offsetOf = (place: number): number => (reversed ? size - 1 - place : place) * stride;
  for (let index = 0; index < size; index++) {
    const at = mirrored ? size - 1 - index : index;
    const centre = Math.min(size - 1, Math.max(0, start + ((at + 0.5) * length) / size - 0.5));
    const below = Math.floor(centre);
    near[index] = offsetOf(below);
    far[index] = offsetOf(Math.min(size - 1, below + 1));
    weight[index] = centre - below;
  }
  return { near, far, weight };
}

function copyChannel(
  pixels: Uint8Array,
  source: number,
  rows: Taps,
  columns: Taps,
  table: Float32Array,
  output: Float32Array,
  target: number,
): void {
  const size = rows.near.length;
  const columnNear = columns.near;
  let at = target;
  for (let y = 0; y < size; y++) {
    const row = source + rows.near[y]!;
    for (let x = 0; x < size; x++) output[at++] = table[pixels[row + columnNear[x]!]!]!;
  }
}

function interpolateChannel(
  pixels: Uint8Array,
  source: number,
  rows: Taps,
  columns: Taps,
  table: Float32Array,
  output: Float32Array,
  target: number,
): void {
  const size = rows.near.length;
  const columnNear = columns.near;
  const columnFar = columns.far;
  const columnWeight = columns.weight;
  let at = target;
  for (let y = 0; y < size; y++) {
    const upper = source + rows.near[y]!;
    const lower = source + rows.far[y]!;
    const down = rows.weight[y]!;
    for (let x = 0; x < size; x++) {
      const left = columnNear[x]!;
      const right = columnFar[x]!;
      const across = columnWeight[x]!;
      const topLeft = table[pixels[upper + left]!]!;
      const bottomLeft = table[pixels[lower + left]!]!;
      const top = topLeft + across * (table[pixels[upper + right]!]! - topLeft);
      const bottom = bottomLeft + across * (table[pixels[lower + right]!]! - bottomLeft);
      output[at++] = top + down * (bottom - top);
    }
  }
}
