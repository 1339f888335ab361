import type { TopLevelSpec } from 'vega-lite';
import { chartSvg } from '../../../report/figures/chart.ts';
import { reliabilityAt, shotsOf } from '../measures.ts';
import { runName } from '../result.ts';
import type { ImageResult } from '../result.ts';

/** Bins with fewer answers than this are not drawn: their accuracy is chance. */
const fewest = 20;

/** Accuracy against probability of the served answers of all domains, a panel a shot (Guo et al. 2017). */
export function reliabilityFigure(results: readonly ImageResult[]): Promise<string> {
  const panel = (shot: number) => {
    const values = results.flatMap((result) => {
      const { count, confidence, right } = reliabilityAt(result, shot);
      return count.flatMap((answers, bin) =>
        answers < fewest
          ? []
          : [{ row: runName(result), claimed: confidence[bin]! / answers, right: right[bin]! / answers }],
      );
    });
    const axis = (field: string, title: string) =>
      ({ field, type: 'quantitative', title, scale: { domain: [0, 1] } }) as const;
    const x = axis('claimed', 'probability of the answer');
    const y = axis('right', 'share of right answers');
    return {
      title: { text: `${shot}-shot`, anchor: 'middle' },
      width: 230,
      height: 230,
      layer: [
        {
          data: { values: [0, 1].map((end) => ({ claimed: end, right: end })) },
          mark: { type: 'line', color: '#bbbbbb', strokeWidth: 3 },
          encoding: { x, y },
        },
        {
          data: { values },
          mark: { type: 'line', point: { size: 18 }, strokeWidth: 1.2 },
          encoding: {
            x,
            y,
            color: {
              field: 'row',
              type: 'nominal',
              title: null,
              sort: results.map(runName),
              scale: { scheme: 'tableau20' },
            },
          },
        },
      ],
    } as const;
  };
  return chartSvg({ hconcat: shotsOf(results).map(panel) } as unknown as TopLevelSpec);
}
