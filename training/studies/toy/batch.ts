import { fold, keyFrom, uniform } from '../../../model/random.ts';
import type { Key } from '../../../model/random.ts';
import { pathMask } from '../../data/path-mask.ts';
import type { ToyConfiguration } from './configuration.ts';
import { drawTask } from './families.ts';
import type { Family, RegressionTask } from './families.ts';

/** Inputs of a meta-batch: `support.x`, `support.y`, `query.x`, `query.y`, tasks one after another. */
export type BatchValues = Readonly<Record<string, Float32Array>>;

/** The key of everything random in one training task. */
const trainingKey = (seed: number, iteration: number, task: number): Key =>
  fold(keyFrom(seed), 'toy', iteration, task);

/** The tasks of an iteration's meta-batch from position `start` on. */
export function trainingTasks(
  { seed, reading, points }: ToyConfiguration,
  iteration: number,
  start: number,
  count: number,
): RegressionTask[] {
  return Array.from({ length: count }, (_, i) =>
    drawTask(trainingKey(seed, iteration, start + i), reading, points),
  );
}

/** Tasks of one family that no run trains on; the same for all runs of a reading, whatever their seed. */
export function heldOutTasks(
  set: 'validation' | 'test' | 'genotypes',
  { reading, points }: Pick<ToyConfiguration, 'reading' | 'points'>,
  family: Family,
  start: number,
  count: number,
): RegressionTask[] {
  const key = fold(keyFrom(2020), set, family);
  return Array.from({ length: count }, (_, i) => drawTask(fold(key, start + i), reading, points, family));
}

/** Indices of the support points in the order in which the encoder reads them. */
function pointOrder({ supportX }: RegressionTask, order: ToyConfiguration['order']): number[] {
  const indices = Array.from(supportX, (_, i) => i);
  return order === 'drawn' ? indices : indices.sort((a, b) => supportX[a]! - supportX[b]!);
}

export function batchOf(tasks: readonly RegressionTask[], order: ToyConfiguration['order']): BatchValues {
  const joined = (of: (task: RegressionTask) => Iterable<number>): Float32Array =>
    Float32Array.from(tasks.flatMap((task) => [...of(task)]));
  const ordered = (name: 'supportX' | 'supportY') =>
    joined((task) => pointOrder(task, order).map((i) => task[name][i]!));
  return {
    'support.x': ordered('supportX'),
    'support.y': ordered('supportY'),
    'query.x': joined(({ queryX }) => queryX),
    'query.y': joined(({ queryY }) => queryY),
  };
}

/** `width` uniform numbers a task, for methods that are random themselves: [t, width]. */
export const noiseOf = (tasks: readonly RegressionTask[], width: number): Float32Array =>
  Float32Array.from(
    tasks.flatMap(({ key }) => [...uniform(fold(key, 'noise'), width)]),
    (u) => Math.min(Math.max(u, 1e-6), 1 - 1e-6),
  );

/** Path dropout of a share of tasks, [t, edges, operations]. */
export const pathMasks = (
  { seed, pathDropout }: ToyConfiguration,
  iteration: number,
  start: number,
  count: number,
  shape: readonly [number, number],
): Float32Array =>
  Float32Array.from(
    Array.from({ length: count }, (_, task) => [
      ...pathMask(fold(trainingKey(seed, iteration, start + task), 'paths'), shape, pathDropout),
    ]).flat(),
  );
