import { UMAP } from 'umap-js';
import { fold, keyFrom, uniform } from '../../../model/random.ts';
import { chartSvg, safeColours } from './chart.ts';

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

/** Vectors by the group that they belong to, which gives them their colour. */
export type GroupedVectors = Readonly<Record<string, readonly (readonly number[])[]>>;

/** UMAP (McInnes et al. 2018) of grouped vectors in the plane. `field` says what a group is. */
export function projectionFigure(field: string, groups: GroupedVectors): Promise<string> {
  const vectors = Object.entries(groups).flatMap(([group, own]) =>
    own.map((vector) => ({ group, vector: [...vector] })),
  );
  const projected = new UMAP({ random: seeded(), nNeighbors: 15, minDist: 0.1 }).fit(
    vectors.map(({ vector }) => vector),
  );
  const names = Object.keys(groups);
  const axis = (name: string) =>
    ({ field: name, type: 'quantitative', axis: null, scale: { zero: false } }) as const;
  return chartSvg({
    data: { values: projected.map(([x, y], i) => ({ x, y, [field]: vectors[i]!.group })) },
    width: 420,
    height: 340,
    mark: { type: 'point', filled: true, size: 14, opacity: 0.7 },
    encoding: {
      x: axis('x'),
      y: axis('y'),
      color: {
        field,
        type: 'nominal',
        title: null,
        sort: names,
        scale: { domain: names, range: safeColours.slice(0, names.length) },
      },
    },
  });
}
