import type { Figure } from '../../../report/figures/figure.ts';
import { embeddingFigures } from '../../../report/figures/projection.ts';
import { architectures } from '../measures.ts';
import { isAblation, isOfAllDomains, runName } from '../result.ts';
import type { ImageEmbeddings, ImageResult } from '../result.ts';
import { cellsFigure } from './cells.ts';
import { curvesFigure } from './curves.ts';
import { reliabilityFigure } from './reliability.ts';

/** All figures that the results give, in the order of the report. */
export function imageFigures(
  results: readonly ImageResult[],
  embeddings: Readonly<Record<string, ImageEmbeddings>>,
): Figure[] {
  const rows = results.filter(isOfAllDomains);
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
    ...results
      .filter((result) => !isAblation(result) && architectures(result).length > 0)
      .map((result) => ({
        name: `cells-${runName(result)}`,
        title: `Decoded cells of ${result.name}, seed ${result.seed}, the most frequent architectures first, with the number of test tasks a domain (Fig. 5).`,
        svg: () => cellsFigure(result),
      })),
    ...embeddingFigures(
      'domain',
      rows.flatMap((result) => {
        const groups = embeddings[runName(result)]?.domains;
        return groups ? [{ title: `${result.name}, seed ${result.seed}`, groups }] : [];
      }),
    ),
  ];
}
