import { curvesChart } from '../../../report/figures/curves.ts';
import { runName } from '../result.ts';
import type { ImageResult } from '../result.ts';

/** Accuracy on validation classes against core-hours of training, of every run, by domain and in the mean. */
export function curvesFigure(results: readonly ImageResult[]): Promise<string> {
  const points = results.flatMap((result) =>
    result.curve.flatMap(({ coreSeconds, accuracies }) => {
      const x = coreSeconds / 3600;
      const values = Object.values(accuracies);
      const mean = values.reduce((total, share) => total + share, 0) / values.length;
      return [...Object.entries(accuracies), ['mean', mean] as const].map(([panel, share]) => ({
        row: runName(result),
        panel,
        x,
        y: 100 * share,
      }));
    }),
  );
  const domains = [...new Set(points.map(({ panel }) => panel))].filter((panel) => panel !== 'mean');
  return curvesChart(points, {
    panels: ['mean', ...domains],
    rows: results.map(runName),
    x: 'core-hours',
    y: { title: 'accuracy, %' },
  });
}
