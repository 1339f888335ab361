import { uniform } from '../../model/random.ts';
import type { Key } from '../../model/random.ts';

/**
 * Path dropout of one task, [edges, operations]: 0 drops a candidate operation of an edge, with probability `dropout`.
 * The first operation, which is none, is never dropped, so that every edge keeps a weight.
 */
export const pathMask = (
  key: Key,
  [edges, operations]: readonly [number, number],
  dropout: number,
): Float32Array =>
  Float32Array.from(uniform(key, edges * operations), (draw: number, i) =>
    Number(i % operations === 0 || draw >= dropout),
  );
