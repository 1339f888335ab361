import { regressionCell } from '../../../../drawing/cell-graph.ts';
import { drawCells } from '../../../../drawing/draw-cells.ts';
import { parseRegressionKey } from '../../../../model/regression/cell.ts';
import { tallied } from '../../../report/statistics.ts';
import { families } from '../families.ts';
import type { ToyResult } from '../result.ts';

/** The most frequent architectures are drawn, so many at most. */
const drawn = 6;

/** Decoded cells of a run as graphs, the most frequent first, with the number of test tasks of every family (Fig. 4, 5). */
export async function cellsFigure({ name, seed, genotypes }: ToyResult): Promise<string> {
  const counted = tallied(families.map((family) => genotypes[family])).slice(0, drawn);
  return drawCells({
    title: `Decoded cells of ${name}, seed ${seed}`,
    cells: counted.map(({ key, counts }) => ({
      graph: regressionCell(parseRegressionKey(key)),
      caption: families.map((family, f) => `${family} ${counts[f]!}`).join(', '),
    })),
    theme: 'auto',
  });
}
