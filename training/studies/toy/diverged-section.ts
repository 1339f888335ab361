import { table } from '../../report/markdown.ts';
import { heldOutTasks } from './batch.ts';
import { families, isMainReading } from './families.ts';
import type { Family, TaskPoints } from './families.ts';
import { divergedError } from './measures.ts';
import type { ToyResult } from './result.ts';

const usualPoints: TaskPoints = { support: 10, query: 10 };

const meanSquare = (values: Float32Array): number =>
  values.reduce((total, value) => total + value * value, 0) / values.length;

/** Positions of a family's test tasks by the mean square of their support values, the largest first, from 1 on. */
function places({ reading, configuration }: ToyResult, family: Family, count: number): number[] {
  const setting = { reading, points: configuration?.points ?? usualPoints };
  const squares = heldOutTasks('test', setting, family, 0, count).map(({ supportY }) => meanSquare(supportY));
  const sorted = [...squares].sort((a, b) => b - a);
  return squares.map((square) => sorted.indexOf(square) + 1);
}

/** Which test tasks diverged, by how large their support values are among those of their family. */
export function divergedSection(results: readonly ToyResult[]): string {
  const rows = results
    .filter(({ reading }) => isMainReading(reading))
    .flatMap((result) =>
      families.flatMap((family) => {
        const errors = result.errors[family];
        if (errors.every((error) => error <= divergedError)) return [];
        const own = places(result, family, errors.length).filter((_, task) => errors[task]! > divergedError);
        const named = own.sort((a, b) => a - b).join(', ');
        return [[result.name, `${result.seed}`, family, `${own.length} of ${errors.length}`, named]];
      }),
    );
  return rows.length === 0
    ? ''
    : `## Tasks that diverged\n\nTheir places among the test tasks of their family, by the mean square of the support values; 1 is the largest. A step of plain SGD at a fixed rate overshoots where values, and with them gradients, are largest.\n\n${table(['row', 'seed', 'family', 'tasks', 'places'], rows)}\n`;
}
