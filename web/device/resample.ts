/**
 * Resizing of 8-bit images as libvips does it for the service (`vips_resize` with the kernel lanczos3 and its gap of 2),
 * so that a picture prepared in the browser is the picture that the service would have prepared. Down: a box filter by
 * a whole factor, then Lanczos3 over the rest, rows before columns, each pass rounded to 8 bits in the fixed-point
 * arithmetic of libvips. Up: Catmull-Rom, which libvips takes for enlarging by this kernel.
 */

/** Rows of interleaved RGB bytes. */
export interface Picture {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
}

const channels = 3;

/** libvips: positions of a mask are rounded to 1/64 of a pixel, weights to 1/4096. */
const phases = 64;
const weightShift = 12;
const weightScale = 1 << weightShift;

/** The box filter leaves at least this factor to Lanczos3. */
const gap = 2;
const lobes = 3;

/** The picture squeezed to size × size. */
export function squeeze(picture: Picture, size: number): Picture {
  const shrunk = narrowed(lowered(picture, size), size);
  return enlarged(shrunk, size);
}

/** Source and target of one pass over rows or columns: `count` lines of `step` bytes become `target` lines. */
interface Line {
  /** first byte of element `i` of the line */
  readonly offset: number;
  /** bytes from one element of the line to the next */
  readonly stride: number;
}

const lowered = (picture: Picture, size: number): Picture =>
  picture.height > size ? reduced(picture, size, 'vertical') : picture;

const narrowed = (picture: Picture, size: number): Picture =>
  picture.width > size ? reduced(picture, size, 'horizontal') : picture;

type Axis = 'vertical' | 'horizontal';

const lengthOf = ({ width, height }: Picture, axis: Axis): number => (axis === 'vertical' ? height : width);

function resized(picture: Picture, length: number, axis: Axis): { target: Picture; out: Uint8Array } {
  const { width, height } =
    axis === 'vertical' ? { ...picture, height: length } : { ...picture, width: length };
  const out = new Uint8Array(width * height * channels);
  return { target: { data: out, width, height }, out };
}

/** The lines along an axis: every channel of every column, or of every row. */
function* lines({ width, height }: Picture, axis: Axis): Generator<Line> {
  const row = width * channels;
  if (axis === 'vertical') for (let i = 0; i < row; i++) yield { offset: i, stride: row };
  else
    for (let y = 0; y < height; y++)
      for (let c = 0; c < channels; c++) yield { offset: y * row + c, stride: channels };
}

/** Box filter and Lanczos3 along one axis, to a smaller length. */
function reduced(picture: Picture, length: number, axis: Axis): Picture {
  const whole = lengthOf(picture, axis);
  const factor = Math.max(1, Math.floor(whole / length / gap));
  const boxed = factor > 1 ? boxFiltered(picture, factor, axis) : picture;
  const shrink = whole / length / factor;
  return shrink === 1 ? boxed : lanczos(boxed, length, shrink, axis);
}

/** Means of `factor` pixels; the last one repeats the edge where the length is no multiple. */
function boxFiltered(picture: Picture, factor: number, axis: Axis): Picture {
  const whole = lengthOf(picture, axis);
  const length = Math.ceil(whole / factor);
  const { target, out } = resized(picture, length, axis);
  const multiplier = Math.floor(2 ** 24 / factor);
  const half = Math.floor(factor / 2);
  const into = lines(target, axis);
  for (const from of lines(picture, axis)) {
    const to = into.next().value as Line;
    for (let i = 0; i < length; i++) {
      let sum = half;
      for (let k = 0; k < factor; k++)
        sum += picture.data[from.offset + Math.min(i * factor + k, whole - 1) * from.stride]!;
      out[to.offset + i * to.stride] = Math.floor((sum * multiplier) / 2 ** 24);
    }
  }
  return target;
}

function lanczos(picture: Picture, length: number, shrink: number, axis: Axis): Picture {
  const whole = lengthOf(picture, axis);
  const points = 2 * roundHalfEven(lobes * shrink) + 1;
  const masks = Array.from({ length: phases + 1 }, (_, phase) => mask(points, shrink, phase / phases));
  const before = Math.ceil(points / 2) - 1;
  const { target, out } = resized(picture, length, axis);
  const into = lines(target, axis);
  for (const from of lines(picture, axis)) {
    const to = into.next().value as Line;
    for (let i = 0; i < length; i++) {
      const at = (i + 0.5) * shrink;
      const first = Math.trunc(at);
      const weights = masks[phaseOf(at)]!;
      let sum = 0;
      for (let k = 0; k < points; k++) {
        const source = Math.min(Math.max(first + k - before, 0), whole - 1);
        sum += weights[k]! * picture.data[from.offset + source * from.stride]!;
      }
      out[to.offset + i * to.stride] = clipped(rounded(sum));
    }
  }
  return target;
}

function mask(points: number, shrink: number, phase: number): Int32Array {
  const half = phase + points / 2 - 1;
  const weights = Array.from({ length: points }, (_, i) => kernel((i - half) / shrink));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return Int32Array.from(weights, (weight) => Math.trunc((weight / sum) * weightScale));
}

/** The nearest phase of a position: 0 to `phases`. */
const phaseOf = (at: number): number => ((Math.floor(at * phases * 2) & (phases * 2 - 1)) + 1) >> 1;

const rounded = (sum: number): number => (sum + (weightScale >> 1)) >> weightShift;
const clipped = (value: number): number => Math.min(Math.max(value, 0), 255);

const sinc = (x: number): number => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));
const kernel = (x: number): number => (x < -lobes || x > lobes ? 0 : sinc(x) * sinc(x / lobes));

/** Halves go to the even number, as C's rint. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Catmull-Rom over both axes at once; an axis that has its length already is left as it is. */
function enlarged(picture: Picture, size: number): Picture {
  const { width, height, data } = picture;
  if (width === size && height === size) return picture;
  const [columns, rows] = [taps(width, size), taps(height, size)];
  const out = new Uint8Array(size * size * channels);
  const line = new Int32Array(4);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      for (let c = 0; c < channels; c++) {
        for (let k = 0; k < 4; k++) {
          const row = rows.sources[4 * y + k]! * width;
          let sum = 0;
          for (let j = 0; j < 4; j++)
            sum += columns.weights[4 * x + j]! * data[(row + columns.sources[4 * x + j]!) * channels + c]!;
          line[k] = rounded(sum);
        }
        let sum = 0;
        for (let k = 0; k < 4; k++) sum += rows.weights[4 * y + k]! * line[k]!;
        out[(y * size + x) * channels + c] = clipped(rounded(sum));
      }
  return { data: out, width: size, height: size };
}

/** The four source pixels of every target pixel along one axis, and their fixed-point weights. */
function taps(whole: number, length: number): { sources: Int32Array; weights: Int32Array } {
  const sources = new Int32Array(4 * length);
  const weights = new Int32Array(4 * length);
  for (let i = 0; i < length; i++) {
    const at = (i * whole) / length - 0.5; // as libvips places it
    const first = Math.floor(at);
    const x = phaseOf(at) / phases;
    const y = 1 - x;
    const outer = -0.5 * x * y;
    const difference = x * outer - y * outer;
    const values = [y * outer, y - y * outer + difference, x - x * outer - difference, x * outer];
    values.forEach((value, k) => {
      sources[4 * i + k] = Math.min(Math.max(first - 1 + k, 0), whole - 1);
      weights[4 * i + k] = Math.trunc(value * weightScale);
    });
  }
  return { sources, weights };
}
