import type { Figure } from '../../../report/figures/figure.ts';
import { embeddingFigures } from '../../../report/figures/projection.ts';
import { isMainReading } from '../families.ts';
import { isAblation } from '../result.ts';
import type { ToyEmbeddings, ToyResult } from '../result.ts';
import { cellsFigure } from './cells.ts';
import { curvesFigure } from './curves.ts';
import { fitsFigure } from './fits.ts';

/** What of the results is shown: every full row once, by its first seed, in the main reading. */
const shownRows = (results: readonly ToyResult[]): ToyResult[] =>
  results.filter(
    (result, i) =>
      isMainReading(result.reading) &&
      !isAblation(result) &&
      results.findIndex(({ name }) => name === result.name) === i,
  );

/** All figures that the results give, in the order of the report. */
export function toyFigures(
  results: readonly ToyResult[],
  embeddings: Readonly<Record<string, ToyEmbeddings>>,
): Figure[] {
  const rows = shownRows(results);
  const trained = rows.filter(({ configuration }) => configuration !== null);
  const searched = trained.filter(({ genotypes }) => Object.keys(genotypes.sinusoid).length > 0);
  return [
    {
      name: 'fits',
      title:
        'Fits of all rows on the first test task of each family over [−5, 5] (Fig. 3): the function grey, the prediction blue, the support set black. A fit that ends with the points was kept before the range was wider.',
      svg: () => fitsFigure(rows),
    },
    {
      name: 'curves',
      title: 'Mean squared error on 250 validation tasks a family during training.',
      svg: () => curvesFigure(trained),
    },
    ...searched.map((result) => ({
      name: `cells-${result.name}-${result.seed}`,
      title: `Decoded cells of ${result.name}, seed ${result.seed}, the most frequent first, with the number of test tasks a family (Fig. 4 and 5).`,
      svg: () => cellsFigure(result),
    })),
    ...embeddingFigures(
      'family',
      searched.flatMap(({ name, seed }) => {
        const groups = embeddings[`${name}-${seed}`];
        return groups ? [{ title: `${name}, seed ${seed}`, groups }] : [];
      }),
    ),
  ];
}
