import { UMAP } from 'umap-js';
import { fold, keyFrom, uniform } from '../../../model/random.ts';
import { families } from '../families.ts';
import type { ToyEmbeddings } from '../result.ts';
import { chartSvg, familyColours } from './chart.ts';

/** Numbers drawn at a time. */
const block = 4096;

/** Uniform numbers in [0, 1), always the same ones. */
function seeded(): () => number {
  let [drawn, next] = [0, block];
  let numbers = new Float64Array();
  return () => {
    if (next === block) {
      numbers = Float64Array.from(uniform(fold(keyFrom(0), 'umap', drawn++), block));
      next = 0;
    }
    return numbers[next++]!;
  };
}

/** UMAP (McInnes et al. 2018) of task embeddings in the plane, coloured by family (paper, Fig. 6). */
export function embeddingsFigure(embeddings: ToyEmbeddings): Promise<string> {
  const tasks = families.flatMap((family) => embeddings[family].map((embedding) => ({ family, embedding })));
  const projected = new UMAP({ random: seeded(), nNeighbors: 15, minDist: 0.1 }).fit(
    tasks.map(({ embedding }) => [...embedding]),
  );
  const axis = (field: string) =>
    ({ field, type: 'quantitative', axis: null, scale: { zero: false } }) as const;
  return chartSvg({
    data: { values: projected.map(([x, y], i) => ({ x, y, family: tasks[i]!.family })) },
    width: 420,
    height: 340,
    mark: { type: 'point', filled: true, size: 14, opacity: 0.7 },
    encoding: {
      x: axis('x'),
      y: axis('y'),
      color: {
        field: 'family',
        type: 'nominal',
        title: null,
        sort: [...families],
        scale: { domain: [...families], range: familyColours },
      },
    },
  });
}
