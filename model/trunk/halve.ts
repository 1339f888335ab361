/**
 * Planes averaged down by halves, where a model reads a tap coarser than the trunk gives it: the mean of every 2 × 2
 * pixels, as an AveragePool of kernel 2 and stride 2 gives it.
 */

/** Whether halving planes of side `from` leads to `to`. */
export const canHalve = (from: number, to: number): boolean =>
  from === to || (from > to && from % 2 === 0 && canHalve(from / 2, to));

/**
 * @param values float32 [planes, side, side]
 * @returns [planes, to, to]; `values` itself where nothing is to be done
 * @throws RangeError when halves do not lead there
 */
export function halvedTo(values: Float32Array, planes: number, to: number): Float32Array {
  const side = Math.sqrt(values.length / planes);
  if (side === to) return values;
  if (!canHalve(side, to)) throw new RangeError(`planes of side ${side} do not halve to ${to}`);
  const half = side / 2;
  const result = new Float32Array(planes * half * half);
  for (let at = 0; at < result.length; at++) {
    const row = Math.floor(at / half);
    const first = 2 * row * side + 2 * (at % half);
    result[at] =
      (values[first]! + values[first + 1]! + values[first + side]! + values[first + side + 1]!) / 4;
  }
  return halvedTo(result, planes, to);
}
