import { sha256 } from '../storage/sha256.ts';
import type { TaskOrder } from './orders.ts';

/** What an adaptation of any kind gives. */
interface Adapted {
  readonly genotype: unknown;
  readonly weights: number;
  readonly multiplyAdds: number;
  readonly model: Uint8Array;
  readonly embedding: Float32Array;
  readonly timings: Readonly<Record<string, number>>;
}

/** `performance.now()` as milliseconds since 1970: finer than `Date.now()`. */
export const sinceEpoch = (now: number): number => performance.timeOrigin + now;

/** What the record of a task says whatever its kind. */
export function commonRecord(
  { id, checkpoint, steps, spent, requestedAt }: TaskOrder,
  { genotype, weights, multiplyAdds, model, embedding, timings }: Adapted,
) {
  // the clock of a worker elsewhere may be behind that of who was asked
  const total = Math.max(0, sinceEpoch(performance.now()) - requestedAt);
  const all = { ...timings, ...spent, total };
  return {
    version: 1,
    id,
    createdAt: new Date().toISOString(),
    checkpoint: { id: checkpoint.id, sha256: checkpoint.sha256 },
    steps,
    architecture: { genotype, weights, multiplyAdds },
    model: { bytes: model.length, sha256: sha256(model) },
    embedding: Array.from(embedding),
    timings: Object.fromEntries(Object.entries(all).map(([stage, ms]) => [stage, milliseconds(ms)])),
  };
}

/** Milliseconds to a hundredth. */
const milliseconds = (duration: number) => Math.round(duration * 100) / 100;
