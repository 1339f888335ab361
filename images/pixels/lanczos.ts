/**
 * Weights of Lanczos resampling along one axis, as Pillow has them (`precompute_coeffs` and `normalize_coeffs_8bpc` of
 * its `Resample.c`): computed in double precision, then rounded to 22 bits behind the point.
 */
export interface Taps {
  /** First source position of every target position; never falling. */
  readonly first: Int32Array;
  /** Number of source positions of every target position, from its first on. */
  readonly count: Int32Array;
  /** Weights of target position i, times 2^22: from i × `stride` on, `count[i]` of them, then zeros. */
  readonly weights: Int32Array;
  /** A multiple of 8. */
  readonly stride: number;
}

const precision = 22;
const lobes = 3;

/**
 * @param length of the source's axis, pixels
 * @param from where the part begins that becomes the target, and `to` where it ends: 0 ≤ from < to ≤ length
 * @param target length of the target's axis, pixels
 */
export function lanczosTaps(length: number, from: number, to: number, target: number): Taps {
  // Pillow takes boxes in single precision
  const start = Math.fround(from);
  const scale = Math.fround(Math.fround(to) - start) / target;
  const width = Math.max(scale, 1); // enlarging takes the kernel as it is
  const support = lobes * width;
  const stride = 8 * Math.ceil((2 * Math.ceil(support) + 1) / 8);
  const first = new Int32Array(target);
  const count = new Int32Array(target);
  const weights = new Int32Array(target * stride);
  const values = new Float64Array(stride);
  for (let i = 0; i < target; i++) {
    const centre = start + (i + 0.5) * scale;
    const low = Math.max(Math.trunc(centre - support + 0.5), 0);
    const taps = Math.min(Math.trunc(centre + support + 0.5), length) - low;
    let sum = 0;
    for (let k = 0; k < taps; k++) sum += values[k] = lanczos((k + low - centre + 0.5) * (1 / width));
    for (let k = 0; k < taps; k++) weights[i * stride + k] = fixedPoint(values[k]! / sum);
    first[i] = low;
    count[i] = taps;
  }
  return { first, count, weights, stride };
}

/** Rounded half away from zero. */
const fixedPoint = (weight: number): number =>
  Math.trunc(weight * 2 ** precision + (weight < 0 ? -0.5 : 0.5));

const lanczos = (x: number): number => (-lobes <= x && x < lobes ? sinc(x) * sinc(x / lobes) : 0);

function sinc(x: number): number {
  const angle = x * Math.PI;
  return x === 0 ? 1 : Math.sin(angle) / angle;
}
