import type { CheckpointInfo } from '../ports.ts';
import { sha256 } from '../storage/sha256.ts';
import type { TaskRequest } from './tasks.ts';

/** What an adaptation of any kind gives. */
interface Adapted {
  readonly genotype: unknown;
  readonly weights: number;
  readonly multiplyAdds: number;
  readonly model: Uint8Array;
  readonly embedding: Float32Array;
  readonly timings: Readonly<Record<string, number>>;
}

/** What the record of a task says whatever its kind; `spent` has the milliseconds of the stages before the adaptation. */
export function commonRecord(
  id: string,
  { checkpoint, steps, startedAt }: TaskRequest<CheckpointInfo>,
  { genotype, weights, multiplyAdds, model, embedding, timings }: Adapted,
  spent: Readonly<Record<string, number>>,
) {
  const all = { ...timings, ...spent, total: performance.now() - startedAt };
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
