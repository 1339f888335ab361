import { families } from '../families.ts';
import type { ToyResult } from '../result.ts';
import { chartSvg } from './chart.ts';

/** Mean squared error on validation tasks against meta-iterations, of every trained row, by family and on average. */
export function curvesFigure(results: readonly ToyResult[]): Promise<string> {
  const values = results.flatMap(({ name, curve }) =>
    curve.flatMap(({ iteration, errors }) => [
      ...families.map((family) => ({
        row: name,
        iteration,
        family: family,
        error: errors[family],
      })),
      {
        row: name,
        iteration,
        family: 'average',
        error: families.reduce((total, family) => total + errors[family], 0) / families.length,
      },
    ]),
  );
  return chartSvg({
    data: { values },
    mark: { type: 'line', strokeWidth: 1.2, clip: true },
    width: 270,
    height: 200,
    encoding: {
      facet: {
        field: 'family',
        type: 'nominal',
        columns: 2,
        sort: ['average', ...families],
        title: null,
      },
      x: { field: 'iteration', type: 'quantitative', title: 'meta-iterations' },
      y: {
        field: 'error',
        type: 'quantitative',
        title: 'mean squared error',
        scale: { type: 'log', domain: [0.01, 10] },
      },
      color: {
        field: 'row',
        type: 'nominal',
        title: null,
        sort: results.map(({ name }) => name),
        scale: { scheme: 'tableau20' },
      },
    },
  });
}
