import type { Values } from '../../model/graph/programs.ts';
import { operationNames } from '../../model/search-space/genotype.ts';

/** Mean over edges and slots of −Σ p ln p / ln n, of what an embedding without path dropout gives: `architectureEntropy` by hand. */
export function meanEntropy(embedded: Values): number {
  const rows = (values: ArrayLike<number>, width: number): number[][] =>
    Array.from({ length: values.length / width }, (_, row) =>
      Array.from({ length: width }, (_, i) => values[row * width + i]!),
    );
  const all = Object.entries(embedded).flatMap(([name, values]) => {
    if (name === 'alpha') return rows(values, operationNames.length);
    return name.startsWith('mix.tap.') && values.length > 1 ? rows(values, values.length) : [];
  });
  const entropies = all.map(
    (row) => -row.reduce((total, p) => total + p * Math.log(p), 0) / Math.log(row.length),
  );
  return entropies.reduce((total, own) => total + own, 0) / entropies.length;
}
