import { fold, keyFrom, normal } from '../model/random.ts';
import * as z from 'zod';
import { oneHotTargets } from '../model/task/labelled-set.ts';

/** The classes of a task and the support images of each. */
export const taskShape = {
  way: z.coerce.number().int().min(2).max(20),
  shot: z.coerce.number().int().min(1).max(50),
};

/** One task's exact second-order meta-gradient, as ../shared/peer times it in PyTorch. */
export const workloadSchema = z
  .object({
    network: z.enum(['conv4', 'supernet']),
    size: z.coerce.number().int().min(16).max(128),
    ...taskShape,
    query: z.coerce.number().int().min(1).max(50),
    steps: z.coerce.number().int().min(1).max(20),
  })
  .strict();

export type Workload = z.infer<typeof workloadSchema>;

/** What decides the arrays of a task. */
export type TaskSizes = Pick<Workload, 'way' | 'shot' | 'query' | 'size'>;

/** Inner learning rate of the PyTorch scripts. */
export const learningRate = 0.01;

/** Random images [n, 3, s, s] and one-hot labels [n, way] of both sets; timing does not depend on what they show. */
export function randomSets({ way, shot, query, size }: TaskSizes): Record<string, Float32Array> {
  const set = (name: string, perClass: number): [string, Float32Array][] => {
    const labels = Array.from({ length: way * perClass }, (_, i) => Math.floor(i / perClass));
    const pixels = normal(fold(keyFrom(0), name), labels.length * 3 * size * size);
    return [
      [`${name}.images`, Float32Array.from(pixels)],
      [`${name}.targets`, oneHotTargets(labels, way)],
    ];
  };
  return Object.fromEntries([...set('support', shot), ...set('query', query)]);
}
