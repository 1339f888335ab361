import { post } from '../bench/serve/load.ts';
import { startOwnService, watchHealth } from '../bench/serve/process.ts';
import { MnasClient } from '../client/index.ts';
import { taskBody } from './overload.ts';

/** Classes, and images of each. */
export type TaskShape = readonly [way: number, shot: number];

/** Resident memory of a service, bytes. */
export interface ShapeMemory {
  readonly shape: TaskShape;
  readonly ms: number;
  /** at most while the task was made, four looks a second */
  readonly most: number;
  readonly after: number;
}

export interface ShapesResult {
  /** of the service when it is ready, bytes */
  readonly idle: number;
  readonly shapes: readonly ShapeMemory[];
  /** at most since it started, bytes */
  readonly peak: number;
}

/** Shapes of which each has graphs of its own, from small to as large as a request may be, and small ones again. */
export const usualShapes: readonly TaskShape[] = [
  [5, 5],
  [2, 50],
  [10, 20],
  [20, 20],
  [20, 50],
  ...[2, 3, 4, 6, 7, 8].flatMap((way) => [1, 2, 3, 4, 5, 6, 7].map((shot): TaskShape => [way, shot])),
  [20, 50],
];

/** Makes a task of every shape, one after the other, in a service of its own, and sees how its memory grows. */
export async function manyShapes(
  shapes: readonly TaskShape[],
  environment: Readonly<Record<string, string>> = {},
  tell: (row: ShapeMemory) => void = () => undefined,
): Promise<ShapesResult> {
  const service = await startOwnService(environment);
  try {
    await new MnasClient({ baseUrl: service.url }).waitUntilReady({ seconds: 300 });
    const idle = await watchHealth(service)();
    const rows: ShapeMemory[] = [];
    for (const [number, shape] of shapes.entries()) {
      const body = await taskBody(...shape, number);
      const stop = watchHealth(service);
      const { ms } = await post(`${service.url}/v1/tasks`, body);
      const { memory } = await stop();
      const row = { shape, ms, most: memory.most, after: memory.last };
      rows.push(row);
      tell(row);
    }
    const { memory } = await watchHealth(service)();
    return { idle: idle.memory.last, shapes: rows, peak: memory.peak };
  } finally {
    await service.stop();
  }
}
