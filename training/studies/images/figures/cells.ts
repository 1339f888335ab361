import { imagesCells } from '../../../../drawing/cell-graph.ts';
import { drawCells } from '../../../../drawing/draw-cells.ts';
import { parseGenotypeKey } from '../../../../model/search-space/genotype.ts';
import { architectures, domainsOf } from '../measures.ts';
import type { ImageResult } from '../result.ts';

/** The most frequent architectures are drawn, so many at most. */
const drawn = 4;

/** Domains on a line of a caption: more are wider than a cell. */
const captioned = 5;

/** The number of test tasks of the domains that have any, line by line. */
function tasksOf(domains: readonly string[], counts: readonly number[]): string[] {
  const words = domains.flatMap((domain, d) => (counts[d] === 0 ? [] : `${domain} ${counts[d]!}`));
  const lines = Math.ceil(words.length / captioned);
  return Array.from({ length: lines }, (_, line) =>
    words.slice(captioned * line, captioned * (line + 1)).join(', '),
  );
}

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
          caption: [`architecture ${i + 1}, ${graph.name} cell`, ...tasksOf(domains, counts)].join('\n'),
        })),
      ),
    theme: 'auto',
  });
}
