import type { TopLevelSpec } from 'vega-lite';
import { families } from '../families.ts';
import type { Family } from '../families.ts';
import { gridOf, pointRange, shownTasks } from '../fits.ts';
import type { ToyResult } from '../result.ts';
import { chartSvg } from '../../../report/figures/chart.ts';

/** What a panel may show beyond the truth, as a part of its height: a fit that leaves it is cut off. */
const headroom = 0.3;

/** Every row's prediction (colour) of one test task a family, with the function (grey) and its support points. */
export function fitsFigure(results: readonly ToyResult[]): Promise<string> {
  const [first] = results;
  if (!first) throw new Error('no results, so no fits');
  const shown = shownTasks({ reading: first.reading, points: { support: 10, query: 10 } });
  const rows = results.map(({ name }) => name);
  const column = (family: Family) => {
    const { task, grid, truth } = shown[family];
    const [low, high] = [Math.min(...truth), Math.max(...truth)];
    const room = headroom * (high - low);
    const points = Array.from(task.supportX, (x, i) => ({ x, y: task.supportY[i]! }));
    const lines = results.flatMap(({ name, fits, fitRanges }) => [
      ...grid.map((x, i) => ({ row: name, x, truth: truth[i]! })),
      ...gridOf(fitRanges?.[family] ?? pointRange(task)).map((x, i) => ({
        row: name,
        x,
        fit: fits[family][i]!,
      })),
    ]);
    const x = {
      field: 'x',
      type: 'quantitative',
      axis: { title: null, grid: false },
      scale: { nice: false },
    } as const;
    const y = (field: string) =>
      ({
        field,
        type: 'quantitative',
        axis: { title: null, grid: false, tickCount: 3 },
        scale: { domain: [low - room, high + room], nice: false },
      }) as const;
    /** A line breaks where its field is missing: the points of the other line are no part of it. */
    const only = (field: string) => [{ filter: `isValid(datum.${field})` }];
    return {
      title: { text: family, anchor: 'middle' },
      data: { values: lines },
      facet: {
        row: {
          field: 'row',
          sort: rows,
          title: null,
          header: family === families[0] ? { labelAngle: 0, labelAlign: 'left' } : { labels: false },
        },
      },
      spec: {
        width: 150,
        height: 62,
        layer: [
          {
            transform: only('truth'),
            mark: { type: 'line', color: '#bbbbbb', strokeWidth: 3 },
            encoding: { x, y: y('truth') },
          },
          {
            transform: only('fit'),
            mark: { type: 'line', color: '#0072b2', strokeWidth: 1.3, clip: true },
            encoding: { x, y: y('fit') },
          },
          {
            data: { values: points },
            mark: { type: 'point', filled: true, color: 'black', size: 12 },
            encoding: { x, y: y('y') },
          },
        ],
      },
    } as const;
  };
  return chartSvg({ hconcat: families.map(column) } as unknown as TopLevelSpec);
}
