import { lanczosTaps } from './lanczos.ts';
import type { Taps } from './lanczos.ts';
import { borrowWorkspace, returnWorkspace } from './workspace.ts';

/** Rows of interleaved bytes from the top: RGB, or RGBA with alpha that the colours are not multiplied by. */
export interface Picture {
  readonly data: Uint8Array | Uint8ClampedArray;
  /** pixels, 1 to `longestSide` */
  readonly width: number;
  readonly height: number;
}

/** Left, top, right and bottom edge, in pixels from the top left corner; need not be whole numbers. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/** What of a picture is taken, and how. */
export interface View {
  /** The part that becomes the square; the whole picture when not given. */
  readonly box?: Box;
  /** Whether the square is mirrored, left for right. */
  readonly mirrored?: boolean;
}

/** Longer pictures are not resized: memory and time would go with the side, however few the pixels are. */
export const longestSide = 65_535;

/** Source bytes between two steps: some milliseconds of work. */
const stepBytes = 3_000_000;

/**
 * The picture, or a box of it, squeezed to a square: the one definition of resizing, for any size, smaller and larger.
 * Transparency is put on white first, as Pillow's `alpha_composite` does it. To the bit Pillow's (13)
 * `resize((size, size), Image.Resampling.LANCZOS, box)` of an RGB image: one axis after the other, each rounded and
 * clipped to bytes; rows become narrower or wider first, unless the height shrinks by more than twice as many pixels as
 * the width.
 * @param size side of the square, pixels
 * @returns planar RGB, uint8 [3, size, size]
 * @throws RangeError when a side is not in 1..`longestSide`, the data has another length, or the box does not lie in
 * the picture
 */
export function squeeze(picture: Picture, size: number, view: View = {}): Uint8Array {
  const steps = squeezeInSteps(picture, size, view);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/**
 * `squeeze` in steps of some milliseconds, for threads that have other things to do between them. Several may be under
 * way at a time.
 * @throws RangeError as `squeeze` does, at the first step
 */
export function* squeezeInSteps(
  picture: Picture,
  size: number,
  { box = [0, 0, picture.width, picture.height], mirrored = false }: View = {},
): Generator<undefined, Uint8Array, undefined> {
  check(picture, size, box);
  const { width, height, data } = picture;
  const channels = data.length / (width * height);
  const { columns, start, span } = fromFirst(lanczosTaps(width, box[0], box[2], size));
  const rows = lanczosTaps(height, box[1], box[3], size);
  const columnsFirst = height - size > Math.max(2 * (width - size), 0);
  const workspace = borrowWorkspace({ columns, rows, span, columnsFirst });
  const square = new Uint8Array(3 * size * size);
  for (let y = 0, next = rows.first[0]!, read = 0; y < size; y++) {
    workspace.prepare(y);
    for (const end = rows.first[y]! + rows.count[y]!; next < end; next++) {
      const at = channels * (next * width + start);
      workspace.add(data.subarray(at, at + channels * span));
      read += channels * span;
      if (read < stepBytes) continue;
      read = 0;
      yield;
    }
    writePlanar(workspace.row(y), square.subarray(y * size), size * size, mirrored);
  }
  returnWorkspace(workspace);
  return square;
}

function check({ data, width, height }: Picture, size: number, [left, top, right, bottom]: Box): void {
  const side = (length: number) => Number.isInteger(length) && length >= 1 && length <= longestSide;
  if (!side(width) || !side(height) || !side(size))
    throw new RangeError(`sides have 1 to ${longestSide} pixels, not ${width}, ${height} and ${size}`);
  if (data.length !== 3 * width * height && data.length !== 4 * width * height)
    throw new RangeError(`${width} × ${height} pixels are not ${data.length} bytes`);
  const inside = 0 <= left && left < right && right <= width && 0 <= top && top < bottom && bottom <= height;
  if (!inside)
    throw new RangeError(`the box ${[left, top, right, bottom].join()} does not lie in the picture`);
}

/** The weights with positions that count from the first one that is read, and the span of those. */
function fromFirst(taps: Taps): { columns: Taps; start: number; span: number } {
  const start = taps.first[0]!;
  const last = taps.first.length - 1;
  const span = taps.first[last]! + taps.count[last]! - start;
  return { columns: { ...taps, first: taps.first.map((at) => at - start) }, start, span };
}

/** Writes a row of interleaved RGB to the three planes, which lie `area` apart. */
function writePlanar(row: Uint8Array, planes: Uint8Array, area: number, mirrored: boolean): void {
  const width = row.length / 3;
  for (let x = 0; x < width; x++) {
    const to = mirrored ? width - 1 - x : x;
    for (let c = 0; c < 3; c++) planes[c * area + to] = row[3 * x + c]!;
  }
}
