import { childWeights } from '../model/child.ts';
import type { ModelConfiguration } from '../model/configuration.ts';
import { genotypeKey } from '../model/genotype.ts';
import type { Genotype } from '../model/genotype.ts';
import { sizeOf } from '../model/graph/shapes.ts';
import { byFrequency } from './statistics.ts';

export interface GenotypeChoice {
  /** The kept architectures, the most frequent first. */
  readonly genotypes: readonly Genotype[];
  /** How many different ones the sampled tasks decode to. */
  readonly decoded: number;
  /** How many tasks decode to each of the twenty most frequent. */
  readonly counts: readonly number[];
}

/** Weights of a child without its head, whose size depends on the task. */
const childSize = (model: ModelConfiguration, genotype: Genotype): number =>
  childWeights(model, genotype).reduce((total, { shape }) => total + sizeOf(shape), 0);

/**
 * The architectures that tasks decode to most often: what the children are trained and served as. Those above
 * `maximumWeights` are left out unless nothing else is there; equal counts are decided by the genotype's key.
 */
export function chooseGenotypes(
  drawn: readonly Genotype[],
  model: ModelConfiguration,
  {
    maximumGenotypes,
    maximumWeights,
  }: { readonly maximumGenotypes: number; readonly maximumWeights: number },
): GenotypeChoice {
  const sorted = byFrequency(drawn, genotypeKey);
  const small = sorted.filter(({ value }) => childSize(model, value) <= maximumWeights);
  const kept = (small.length > 0 ? small : sorted).slice(0, maximumGenotypes);
  return {
    genotypes: kept.map(({ value }) => value),
    decoded: sorted.length,
    counts: sorted.slice(0, 20).map(({ count }) => count),
  };
}
