import { constantMatrix } from './constant-matrices.ts';
import { wholeBlocks } from '../graph/onnx/blocked.ts';
import { broadcast, concat, conv, matmul, pad, reshape, slice, transpose } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { windowOutput } from '../graph/shapes.ts';

/** Geometry of a window over square planes with padding that keeps (stride 1) or halves (stride 2) the side. */
export interface PlaneWindow {
  readonly side: number;
  readonly kernel: number;
  readonly stride: 1 | 2;
  readonly dilation: number;
}

/** Kernels of one kind: e kernels a channel, [e, c, k²]. */
export interface DepthwiseKernels {
  readonly weights: Tensor;
  readonly kernel: number;
  readonly dilation: number;
}

const reachOf = ({ kernel, dilation }: Pick<PlaneWindow, 'kernel' | 'dilation'>): number =>
  (dilation * (kernel - 1)) / 2;

export const outputSide = (window: PlaneWindow): number =>
  windowOutput(window.side, window.kernel, window.stride, reachOf(window), window.dilation);

/**
 * `rows`: rows of the result as products of rows; `planes`: whole planes as products of planes; `grouped`: a convolution
 * of as many channels as there are planes, which onnxruntime's CPU provider multiplies by vectors (graph/onnx/blocked.ts).
 */
export type DepthwiseFormulation = 'rows' | 'planes' | 'grouped';

/** What the two formulations share: planes of `side`, results of `out`. */
interface Planes {
  readonly side: number;
  readonly out: number;
  readonly stride: 1 | 2;
}

/**
 * Depthwise convolutions of x with e kernels a channel and kind: [e, kinds · c, images, h'·w'], the kinds side by side
 * in the channels. x is [1, c, images, h·w], read by all kernels, or has its own planes for each, [e, kinds · c, images,
 * h·w]. Both formulations are matrix products, so every derivative is one too (docs/adr/0002-batching.md); the faster
 * one is taken unless one is asked for.
 */
export function depthwise(
  x: Tensor,
  kinds: readonly DepthwiseKernels[],
  window: Pick<PlaneWindow, 'side' | 'stride'>,
  formulation = fasterFormulation(x, kinds, window),
): Tensor {
  const planes = { ...window, out: outputSide({ ...kinds[0]!, ...window }) };
  return formulations[formulation](x, kinds, planes, isShared(x, kinds));
}

function isShared(x: Tensor, kinds: readonly DepthwiseKernels[]): boolean {
  const [e, c] = kinds[0]!.weights.shape as [number, number];
  return x.shape[0]! * x.shape[1]! < e * kinds.length * c;
}

/** Planes of at most this many pixels are multiplied whole. */
const smallPlane = 49;
/** Time of a multiplication by rows in those of one by planes: its matrices are narrow. */
const rowCost = { own: 4, shared: 2 } as const;

/** Whether fewer multiplications by rows outweigh that they are slower (`npm run bench -- depthwise`). */
export function fasterFormulation(
  x: Tensor,
  kinds: readonly DepthwiseKernels[],
  { side, stride }: Pick<PlaneWindow, 'side' | 'stride'>,
): DepthwiseFormulation {
  if (side ** 2 <= smallPlane) return 'planes';
  const images = x.shape[2]!;
  const shared = isShared(x, kinds);
  // of a kernel's channels, whatever the number of images, so that cost grows with them
  const blocks = kinds[0]!.weights.shape[1]! % wholeBlocks === 0;
  // every kernel's convolution would spread a cotangent of its own by the stride
  if (blocks && !(shared && stride === 2)) return 'grouped';
  const taps = kinds.reduce((total, { kernel }) => total + kernel ** 2, 0) / kinds.length;
  const cost = rowCost[shared ? 'shared' : 'own'];
  return cost * images * rowOffsets(kinds).length < (images + taps) * side ? 'rows' : 'planes';
}

/** Rows that the kernels read, relative to the row of the result (times the stride), ascending. */
function rowOffsets(kinds: readonly Omit<DepthwiseKernels, 'weights'>[]): number[] {
  const offsets = kinds.flatMap((kind) =>
    Array.from({ length: kind.kernel }, (_, i) => i * kind.dilation - reachOf(kind)),
  );
  return [...new Set(offsets)].sort((a, b) => a - b);
}

/** Calls `put` with every tap and the pair of columns, from -> to, that it joins in a row. */
function forColumns(
  kind: Omit<DepthwiseKernels, 'weights'>,
  { side, out, stride }: Planes,
  put: (tap: number, from: number, to: number) => void,
): void {
  for (let tap = 0; tap < kind.kernel; tap++) {
    for (let to = 0; to < out; to++) {
      const from = to * stride - reachOf(kind) + tap * kind.dilation;
      if (from >= 0 && from < side) put(tap, from, to);
    }
  }
}

/** [e, c, k²] times a 0/1 basis [k², i · o]: each kernel as a matrix, [e, c, i, o]. */
function spread({ weights }: DepthwiseKernels, basis: Float64Array, i: number, o: number): Tensor {
  const [e, c, taps] = weights.shape as [number, number, number];
  const matrix = weights.graph.constant(basis, [taps, i * o]);
  return reshape(matmul(reshape(weights, [e * c, taps]), matrix), [e, c, i, o]);
}

/** Each kernel as one (h·w) x (h'·w') matrix: many multiplications by zero, but large products. */
function byPlanes(x: Tensor, kinds: readonly DepthwiseKernels[], planes: Planes, shared: boolean): Tensor {
  const { side, out } = planes;
  const matrices = concat(
    kinds.map((kind) => spread(kind, planeBasis(kind, planes), side ** 2, out ** 2)),
    1,
  ); // [e, kinds · c, h·w, h'·w']
  if (!shared) return matmul(x, matrices);
  const [, c, images, plane] = x.shape as [number, number, number, number];
  const [e, channels] = matrices.shape as [number, number];
  const all = broadcast(reshape(x, [1, 1, c, images, plane]), [e, channels / c, c, images, plane]);
  const product = matmul(all, reshape(matrices, [e, channels / c, c, plane, out ** 2]));
  return reshape(product, [e, channels, images, out ** 2]);
}

function planeBasis(kind: DepthwiseKernels, planes: Planes): Float64Array {
  const { kernel, dilation } = kind;
  const { side, out, stride } = planes;
  return constantMatrix(`planes ${side} ${kernel} ${stride} ${dilation}`, () => {
    const basis = new Float64Array(kernel ** 2 * side ** 2 * out ** 2);
    // rows and columns are joined by the same rule
    forColumns(kind, planes, (tapRow, row, toRow) => {
      forColumns(kind, planes, (tapColumn, column, toColumn) => {
        const [tap, from, to] = [tapRow * kernel + tapColumn, row * side + column, toRow * out + toColumn];
        basis[(tap * side ** 2 + from) * out ** 2 + to] = 1;
      });
    });
    return basis;
  });
}

/**
 * A row of the result is a product of the rows that it is made of, side by side, with the kernel's Toeplitz matrix
 * (rows · w) x w'. Kernels that share their input stand side by side in that matrix.
 */
function byRows(x: Tensor, kinds: readonly DepthwiseKernels[], planes: Planes, shared: boolean): Tensor {
  const { side, out } = planes;
  const offsets = rowOffsets(kinds);
  const inner = offsets.length * side;
  const rows = shiftedRows(x, offsets, planes); // [a, c, images · h', rows · w]
  const matrices = concat(
    kinds.map((kind) => spread(kind, rowBasis(kind, offsets, planes), inner, out)),
    1,
  ); // [e, kinds · c, rows · w, w']
  const [e, channels] = matrices.shape as [number, number];
  const images = x.shape[2]!;
  if (!shared) return reshape(matmul(rows, matrices), [e, channels, images, out ** 2]);
  const c = x.shape[1]!;
  const m = channels / c;
  const beside = transpose(reshape(matrices, [e, m, c, inner, out]), [2, 3, 0, 1, 4]);
  const product = matmul(reshape(rows, [c, images * out, inner]), reshape(beside, [c, inner, e * m * out]));
  const apart = transpose(reshape(product, [c, images * out, e, m, out]), [2, 3, 0, 1, 4]);
  return reshape(apart, [e, channels, images, out ** 2]);
}

/** For every row of the result the rows at `offsets` from it, zeros beyond the edge: [a, c, images · h', rows · w]. */
function shiftedRows(x: Tensor, offsets: readonly number[], { side, out, stride }: Planes): Tensor {
  const [a, c, images] = x.shape as [number, number, number];
  const reach = Math.max(...offsets);
  const groups = Math.floor((2 * reach) / stride) + out; // of `stride` rows each
  const padded = pad(reshape(x, [a, c, images, side, side]), 3, reach, groups * stride - side - reach);
  const grouped = reshape(padded, [a, c, images, groups, stride * side]);
  const parts = offsets.map((offset) => {
    const first = offset + reach;
    return slice(slice(grouped, 3, Math.floor(first / stride), out), 4, (first % stride) * side, side);
  });
  return reshape(concat(parts, 4), [a, c, images * out, offsets.length * side]);
}

function rowBasis(kind: DepthwiseKernels, offsets: readonly number[], planes: Planes): Float64Array {
  const { kernel, dilation } = kind;
  const { side, out, stride } = planes;
  return constantMatrix(`rows ${offsets.join(',')} ${side} ${kernel} ${stride} ${dilation}`, () => {
    const inner = offsets.length * side;
    const basis = new Float64Array(kernel ** 2 * inner * out);
    for (let tapRow = 0; tapRow < kernel; tapRow++) {
      const row = offsets.indexOf(tapRow * dilation - reachOf(kind));
      forColumns(kind, planes, (tapColumn, from, to) => {
        basis[((tapRow * kernel + tapColumn) * inner + row * side + from) * out + to] = 1;
      });
    }
    return basis;
  });
}

/** Every plane as a channel of one image, with a kernel of its own: those of a kernel's images are the same. */
function byGroups(x: Tensor, kinds: readonly DepthwiseKernels[], planes: Planes, shared: boolean): Tensor {
  const { side, out, stride } = planes;
  const [e, c] = kinds[0]!.weights.shape as [number, number];
  const images = x.shape[2]!;
  const count = e * c * images;
  const parts = kinds.map(({ weights, kernel, dilation }, i) => {
    const own = shared ? broadcast(x, [e, c, images, side ** 2]) : slice(x, 1, i * c, c);
    const each = broadcast(reshape(weights, [e, c, 1, kernel ** 2]), [e, c, images, kernel ** 2]);
    const geometry = { stride, dilation, padding: reachOf({ kernel, dilation }), groups: count };
    const y = conv(reshape(own, [1, count, side, side]), reshape(each, [count, 1, kernel, kernel]), geometry);
    return reshape(y, [e, c, images, out ** 2]);
  });
  return concat(parts, 1);
}

const formulations = { rows: byRows, planes: byPlanes, grouped: byGroups } as const;
