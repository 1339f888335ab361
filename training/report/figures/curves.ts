import { chartSvg } from './chart.ts';

/** A point of a row's line in one panel. */
export interface CurvePoint {
  readonly row: string;
  readonly panel: string;
  readonly x: number;
  readonly y: number;
}

export interface CurveAxes {
  /** In the order in which they are drawn. */
  readonly panels: readonly string[];
  readonly rows: readonly string[];
  readonly x: string;
  readonly y: {
    readonly title: string;
    /** Ends of a logarithmic scale that all panels share; without it every panel has a linear one of its own. */
    readonly logarithmic?: readonly [number, number];
  };
}

/** Lines of rows over the course of their runs, a panel each for what is measured. */
export function curvesChart(
  points: readonly CurvePoint[],
  { panels, rows, x, y }: CurveAxes,
): Promise<string> {
  return chartSvg({
    data: { values: points.map((point) => ({ ...point })) },
    mark: { type: 'line', strokeWidth: 1.2, clip: true },
    width: 270,
    height: 200,
    encoding: {
      facet: { field: 'panel', type: 'nominal', columns: 2, sort: [...panels], title: null },
      x: { field: 'x', type: 'quantitative', title: x },
      y: {
        field: 'y',
        type: 'quantitative',
        title: y.title,
        scale: y.logarithmic ? { type: 'log', domain: [...y.logarithmic] } : { zero: false },
      },
      color: {
        field: 'row',
        type: 'nominal',
        title: null,
        sort: [...rows],
        scale: { scheme: 'tableau20' },
      },
    },
    ...(y.logarithmic ? {} : { resolve: { scale: { y: 'independent' } } }),
  });
}
