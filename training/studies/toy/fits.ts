import { byFamily, familyDefinitions } from './families.ts';
import { heldOutTasks } from './batch.ts';
import type { Family, Reading, RegressionTask, TaskPoints } from './families.ts';

/** Which test task of every family shows the fits (paper, Fig. 3): the first. */
export const shownTask = 0;
const gridPoints = 101;
/** How far the grid goes beyond the task's points. */
const margin = 0.5;

/** A task whose fits are shown: its points, and what it is on a grid of x. */
export interface ShownTask {
  readonly task: RegressionTask;
  readonly grid: readonly number[];
  readonly truth: readonly number[];
}

/** The shown task of each family; the same for all rows of a reading. */
export function shownTasks(setting: {
  readonly reading: Reading;
  readonly points: TaskPoints;
}): Readonly<Record<Family, ShownTask>> {
  return byFamily((family) => {
    const [task] = heldOutTasks('test', setting, family, shownTask, 1) as [RegressionTask];
    const xs = [...task.supportX, ...task.queryX];
    const [low, high] = [Math.min(...xs) - margin, Math.max(...xs) + margin];
    const grid = Array.from({ length: gridPoints }, (_, i) => low + ((high - low) * i) / (gridPoints - 1));
    const truth = grid.map((x) => familyDefinitions[family].value(x, task.coefficients));
    return { task, grid, truth };
  });
}
