import type { Genotype } from '../search-space/genotype.ts';
import type { ModelCost } from '../trunk/cost.ts';
import { labelBytes } from './child-cost.ts';
import type { GenotypeCost } from './child-cost.ts';

/** The limits that a task may be given, and what each bounds: of the answer to one image, and of the file. */
export const limitedCosts = {
  maxWeights: 'weights',
  maxMultiplyAdds: 'multiplyAdds',
  maxBytes: 'bytes',
} as const satisfies Record<string, keyof ModelCost>;

export type LimitName = keyof typeof limitedCosts;
export const limitNames = Object.keys(limitedCosts) as readonly LimitName[];

/** What a task's network may cost at most; whole numbers from 1, each inclusive. */
export type Budget = { readonly [Name in LimitName]?: number };

/** A genotype that a budget leaves to the controller. */
export interface AllowedGenotype {
  readonly genotype: Genotype;
  /** whether its child may answer by an image and its mirror image together, which costs more */
  readonly mirrored: boolean;
}

/** A limit that nothing keeps, and the least value of it that something would keep. */
export interface Shortfall {
  readonly limit: LimitName;
  readonly given: number;
  readonly least: number;
}

/** No architecture of the checkpoint fits the budget. */
export class BudgetError extends Error {
  override readonly name = 'BudgetError';
  readonly shortfalls: readonly Shortfall[];

  constructor(shortfalls: readonly Shortfall[]) {
    super(
      shortfalls
        .map(({ limit, given, least }) => `${limit} is ${given}, the least possible is ${least}`)
        .join('; '),
    );
    this.shortfalls = shortfalls;
  }
}

/** The limits of a budget that a cost exceeds. */
export const exceeded = (budget: Budget, cost: ModelCost): LimitName[] =>
  limitNames.filter((name) => cost[limitedCosts[name]] > (budget[name] ?? Infinity));

/**
 * The genotypes that a task of these labels may get within a budget, in their order. One is allowed where its child fits
 * that answers by an image alone: which architecture is best is decided first, and where its mirrored child is too much
 * the task goes without mirror images.
 * @throws BudgetError when none fits
 */
export function allowedGenotypes(
  costs: readonly GenotypeCost[],
  budget: Budget,
  labels: readonly string[],
): AllowedGenotype[] {
  const named = labelBytes(labels);
  const fits = (cost: ModelCost | null): boolean =>
    cost !== null && exceeded(budget, { ...cost, bytes: cost.bytes + named }).length === 0;
  const allowed = costs
    .filter(({ plain }) => fits(plain))
    .map(({ genotype, mirrored }) => ({ genotype, mirrored: fits(mirrored) }));
  if (allowed.length === 0)
    throw new BudgetError(
      shortfallsOf(
        budget,
        costs.map(({ plain }) => ({ ...plain, bytes: plain.bytes + named })),
      ),
    );
  return allowed;
}

/**
 * The limits that bind: those that nothing keeps; where each by itself is kept, those that would have to be larger beside
 * the others, or all where that is true of none.
 */
function shortfallsOf(budget: Budget, costs: readonly ModelCost[]): Shortfall[] {
  const given = limitNames.filter((name) => budget[name] !== undefined);
  const shortfall = (limit: LimitName, among: readonly ModelCost[]): Shortfall => ({
    limit,
    given: budget[limit]!,
    least: Math.min(...among.map((cost) => cost[limitedCosts[limit]])),
  });
  const alone = given
    .map((limit) => shortfall(limit, costs))
    .filter(({ given: asked, least }) => least > asked);
  if (alone.length > 0) return alone;
  const beside = given.flatMap((limit) => {
    const others = costs.filter((cost) => exceeded({ ...budget, [limit]: Infinity }, cost).length === 0);
    return others.length === 0 ? [] : [shortfall(limit, others)];
  });
  return beside.length > 0 ? beside : given.map((limit) => shortfall(limit, costs));
}
