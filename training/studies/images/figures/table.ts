import type { Figure } from '../../../report/figures/figure.ts';
import { projectionFigure } from '../../../report/figures/projection.ts';
import { architectures } from '../measures.ts';
import { isAblation, runName } from '../result.ts';
import type { ImageEmbeddings, ImageResult } from '../result.ts';
import { cellsFigure } from './cells.ts';
import { curvesFigure } from './curves.ts';
import { reliabilityFigure } from './reliability.ts';

/** All figures that the results give, in the order of the report. */
export function imageFigures(
  results: readonly ImageResult[],
  embeddings: Readonly<Record<string, ImageEmbeddings>>,
): Figure[] {
  const rows = results.filter((result) => !isAblation(result));
  if (rows.length === 0) return [];
  return [
    {
      name: 'curves',
      title: 'Served accuracy on validation classes against core-hours of training.',
      svg: () => curvesFigure(rows),
    },
    {
      name: 'reliability',
      title:
        'How often answers are right, by the probability that they were given; on the grey line they are calibrated.',
      svg: () => reliabilityFigure(rows),
    },
    ...rows
      .filter((result) => architectures(result).length > 0)
      .map((result) => ({
        name: `cells-${runName(result)}`,
        title: `Decoded cells of ${result.name}, seed ${result.seed}, the most frequent architectures first, with the number of test tasks a domain (Fig. 5).`,
        svg: () => cellsFigure(result),
      })),
    ...rows.flatMap((result) => {
      const own = embeddings[runName(result)];
      if (!own) return [];
      const tasks = Object.values(own.domains).reduce((total, vectors) => total + vectors.length, 0);
      return [
        {
          name: `embeddings-${runName(result)}`,
          title: `UMAP of the embeddings of ${tasks} test tasks, ${result.name}, seed ${result.seed} (Fig. 6).`,
          svg: () => projectionFigure('domain', own.domains),
        },
      ];
    }),
  ];
}
