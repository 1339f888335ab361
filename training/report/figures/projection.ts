import { TSNE } from '@saehrimnir/druidjs';
import { chartSvg, safeColours } from './chart.ts';
import type { Figure } from './figure.ts';

/** Vectors by the group that they belong to, which gives them their colour. */
export type GroupedVectors = Readonly<Record<string, readonly (readonly number[])[]>>;

/** One of the projections that stand side by side. */
export interface ProjectionPanel {
  readonly title: string;
  readonly groups: GroupedVectors;
}

/** Steps of the gradient descent. */
const iterations = 500;
/** Neighbours that count, as scikit-learn has them by default; of few vectors a third. */
const perplexity = 30;

/** t-SNE of vectors (van der Maaten & Hinton 2008) in the plane; the same for the same vectors. */
export function projected(vectors: readonly (readonly number[])[]): number[][] {
  const rows = vectors.map((vector) => [...vector]);
  const parameters = { perplexity: Math.min(perplexity, Math.floor(rows.length / 3)), d: 2, seed: 1 };
  return new TSNE(rows, parameters).transform(iterations);
}

/** Grouped vectors in the plane by t-SNE, a panel each (Fig. 6). `field` says what a group is. */
function projectionFigure(field: string, panels: readonly ProjectionPanel[]): Promise<string> {
  const names = [...new Set(panels.flatMap(({ groups }) => Object.keys(groups)))];
  const axis = (name: string) =>
    ({ field: name, type: 'quantitative', axis: null, scale: { zero: false } }) as const;
  return chartSvg({
    hconcat: panels.map(({ title, groups }) => {
      const vectors = Object.entries(groups).flatMap(([group, own]) =>
        own.map((vector) => ({ group, vector })),
      );
      const points = projected(vectors.map(({ vector }) => vector));
      return {
        title,
        data: { values: points.map(([x, y], i) => ({ x, y, [field]: vectors[i]!.group })) },
        width: 340,
        height: 300,
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
      };
    }),
  });
}

/** The figure of task embeddings, a panel for each run that has kept some; none where no run has. */
export function embeddingFigures(field: string, panels: readonly ProjectionPanel[]): Figure[] {
  if (panels.length === 0) return [];
  const letters = panels.map(({ title }, i) => `(${String.fromCharCode(97 + i)}) ${title}`);
  const named = panels.map(({ groups }, i) => ({ title: letters[i]!, groups }));
  const tasks = panels.map(({ groups }) =>
    Object.values(groups).reduce((total, vectors) => total + vectors.length, 0),
  );
  const title = `t-SNE of the embeddings of ${Math.max(...tasks)} test tasks (Fig. 6): ${letters.join('; ')}.`;
  return [{ name: 'embeddings', title, svg: () => projectionFigure(field, named) }];
}
