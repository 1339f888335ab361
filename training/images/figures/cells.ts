import { imagesCells } from '../../../drawing/cell-graph.ts';
import { drawCells } from '../../../drawing/draw-cells.ts';
import { parseGenotypeKey } from '../../../model/genotype.ts';
import { architectures, domainsOf } from '../measures.ts';
import type { ImageResult } from '../result.ts';

/** The most frequent architectures are drawn, so many at most. */
const drawn = 4;

/** Both cells of a run's architectures, the most frequent first, with the number of test tasks of every domain. */
export function cellsFigure(result: ImageResult): Promise<string> {
  const domains = domainsOf(result);
  return drawCells({
    title: `Decoded cells of ${result.name}, seed ${result.seed}`,
    cells: architectures(result)
      .slice(0, drawn)
      .flatMap(({ key, counts }, i) =>
        imagesCells(parseGenotypeKey(key)).map((graph) => ({
          graph,
          caption: `architecture ${i + 1}, ${graph.name} cell: ${domains.map((domain, d) => `${domain} ${counts[d]!}`).join(', ')}`,
        })),
      ),
    theme: 'auto',
  });
}
