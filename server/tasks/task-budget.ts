import { allowedGenotypes, BudgetError, exceeded, limitedCosts } from '../../model/adaptation/budget.ts';
import type { AllowedGenotype, Budget } from '../../model/adaptation/budget.ts';
import type { ModelCost } from '../../model/trunk/cost.ts';
import { ServiceError } from '../errors/errors.ts';
import type { ImagesCheckpoint, TaskAdapter } from '../ports.ts';

/**
 * What a budget leaves of a checkpoint's architectures for a task of these labels; undefined without a budget.
 * @throws ServiceError `budget-too-small`; `invalid-query` where the checkpoint has no architectures to choose from
 */
export async function allowedBy(
  budget: Budget | undefined,
  adapter: Pick<TaskAdapter, 'genotypeCosts'>,
  { id, genotypes }: Pick<ImagesCheckpoint, 'id' | 'genotypes'>,
  labels: readonly string[],
): Promise<readonly AllowedGenotype[] | undefined> {
  if (!budget) return undefined;
  if (genotypes === 0)
    throw new ServiceError('invalid-query', {
      detail: `${namesOf(budget)}: the checkpoint ${id} has no list of architectures to choose from.`,
    });
  const costs = await adapter.genotypeCosts(id, labels.length);
  try {
    return allowedGenotypes(costs, budget, labels);
  } catch (error) {
    if (error instanceof BudgetError) throw tooSmall(error);
    throw error;
  }
}

/**
 * A task that was made keeps its budget: what it would cost was counted before, and this makes sure.
 * @throws ServiceError `budget-too-small`
 */
export function checkWithin(budget: Budget | undefined, cost: ModelCost): void {
  if (!budget) return;
  const shortfalls = exceeded(budget, cost).map((limit) => ({
    limit,
    given: budget[limit]!,
    least: cost[limitedCosts[limit]],
  }));
  if (shortfalls.length > 0) throw tooSmall(new BudgetError(shortfalls));
}

/** Refuses a budget where there is nothing that it could choose from. @throws ServiceError `invalid-query` */
export function refuseBudget(budget: Budget | undefined): void {
  if (budget)
    throw new ServiceError('invalid-query', {
      detail: `${namesOf(budget)}: budgets are there for tasks of images only.`,
    });
}

const namesOf = (budget: Budget): string => Object.keys(budget).join(', ');

const tooSmall = (error: BudgetError): ServiceError =>
  new ServiceError('budget-too-small', {
    detail: `No architecture of the checkpoint is within the budget: ${error.message}.`,
    shortfalls: error.shortfalls,
    cause: error,
  });
