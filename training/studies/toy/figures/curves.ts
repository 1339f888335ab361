import { curvesChart } from '../../../report/figures/curves.ts';
import { families, meanOverFamilies } from '../families.ts';
import type { ToyResult } from '../result.ts';

/** Mean squared error on validation tasks against meta-iterations, of every trained row, by family and on average. */
export function curvesFigure(results: readonly ToyResult[]): Promise<string> {
  const points = results.flatMap(({ name, curve }) =>
    curve.flatMap(({ iteration, errors }) => {
      const average = meanOverFamilies(errors);
      return [
        ...families.map((family) => ({ row: name, panel: family, x: iteration, y: errors[family] })),
        { row: name, panel: 'average', x: iteration, y: average },
      ];
    }),
  );
  return curvesChart(points, {
    panels: ['average', ...families],
    rows: results.map(({ name }) => name),
    x: 'meta-iterations',
    y: { title: 'mean squared error', logarithmic: [0.01, 10] },
  });
}
