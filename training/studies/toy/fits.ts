import { byFamily, familyDefinitions } from './families.ts';
import { heldOutTasks } from './batch.ts';
import type { Family, Reading, RegressionTask, TaskPoints } from './families.ts';

/** Which test task of every family shows the fits (paper, Fig. 3): the first. */
export const shownTask = 0;
const gridPoints = 101;
/** The range of x that the paper shows, where most of a task's points are not. */
const shownRange = [-5, 5] as const;
/** How far the grid goes beyond a task's own points, where these lie outside. */
const margin = 0.5;

/** The ends of a grid of x. */
export type FitRange = readonly [low: number, high: number];

/** A task whose fits are shown: its points, and what it is on a grid of x. */
export interface ShownTask {
  readonly task: RegressionTask;
  readonly range: FitRange;
  readonly grid: readonly number[];
  readonly truth: readonly number[];
}

/** The grid of x that a range has. */
export const gridOf = ([low, high]: FitRange): number[] =>
  Array.from({ length: gridPoints }, (_, i) => low + ((high - low) * i) / (gridPoints - 1));

/** Where a task has points, with a margin: what fits were kept of before there was a range of all tasks. */
export function pointRange({ supportX, queryX }: RegressionTask): FitRange {
  const xs = [...supportX, ...queryX];
  return [Math.min(...xs) - margin, Math.max(...xs) + margin];
}

/** The shown task of each family; the same for all rows of a reading. */
export function shownTasks(setting: {
  readonly reading: Reading;
  readonly points: TaskPoints;
}): Readonly<Record<Family, ShownTask>> {
  return byFamily((family) => {
    const [task] = heldOutTasks('test', setting, family, shownTask, 1) as [RegressionTask];
    const [low, high] = pointRange(task);
    const range: FitRange = [Math.min(shownRange[0], low), Math.max(shownRange[1], high)];
    const grid = gridOf(range);
    const truth = grid.map((x) => familyDefinitions[family].value(x, task.coefficients));
    return { task, range, grid, truth };
  });
}
