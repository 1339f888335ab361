import { childSize } from '../../model/network/child.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import { genotypeKey, highest, strengthOf } from '../../model/search-space/genotype.ts';
import type { RelaxedArchitecture, Genotype } from '../../model/search-space/genotype.ts';
import { byFrequency } from '../report/statistics.ts';

/** What the controller gives one task: architecture weights, and what they decode to. */
export interface DrawnArchitecture {
  readonly architecture: RelaxedArchitecture;
  readonly genotype: Genotype;
}

export interface GenotypeChoice {
  /** The kept architectures; the first one suits all tasks best, each next one those that were served worst. */
  readonly genotypes: readonly Genotype[];
  /** How many different ones the sampled tasks decode to. */
  readonly decoded: number;
  /** How many tasks decode to each of the twenty most frequent. */
  readonly counts: readonly number[];
  /** Mean over tasks: how strong the kept architecture that a task gets is, in parts of its own one (strengthOf). */
  readonly covered: number;
}

/**
 * The few architectures that stand for what tasks decode to, and that children are trained and served as: one after the
 * other that of the candidates which brings the tasks nearest to their own (greedy, of equal ones the more frequent and then
 * the smaller key). The most frequent ones would not do: where tasks of one kind agree and those of another
 * differ in an edge or two each, all would be of the first kind. Candidates above `maximumWeights` are left out unless
 * nothing else is there.
 */
export function chooseGenotypes(
  drawn: readonly DrawnArchitecture[],
  model: ModelConfiguration,
  {
    maximumGenotypes,
    maximumWeights,
  }: { readonly maximumGenotypes: number; readonly maximumWeights: number },
): GenotypeChoice {
  const { nodes } = model.supernet;
  const sorted = byFrequency(
    drawn.map(({ genotype }) => genotype),
    genotypeKey,
  );
  const small = sorted.filter(({ value }) => childSize(model, value) <= maximumWeights);
  const own = drawn.map(({ architecture, genotype }) => strengthOf(architecture, genotype, nodes));
  const candidates = (small.length > 0 ? small : sorted).map(({ value }) => ({
    value,
    shares: drawn.map(({ architecture }, task) => strengthOf(architecture, value, nodes) / own[task]!),
  }));
  const kept: Genotype[] = [];
  let best = drawn.map(() => 0);
  const totalWith = (shares: readonly number[]): number =>
    shares.reduce((total, share, task) => total + Math.max(share, best[task]!), 0);
  while (kept.length < Math.min(maximumGenotypes, candidates.length)) {
    const rest = candidates.filter(({ value }) => !kept.includes(value));
    const { value, shares } = highest(rest, (candidate) => totalWith(candidate.shares))!;
    kept.push(value);
    best = best.map((share, task) => Math.max(share, shares[task]!));
  }
  return {
    genotypes: kept,
    decoded: sorted.length,
    counts: sorted.slice(0, 20).map(({ count }) => count),
    covered: best.reduce((total, share) => total + share, 0) / drawn.length,
  };
}
