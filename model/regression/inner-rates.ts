import { exp, multiply, slice } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import type { Weights } from '../graph/weights.ts';
import type { ParameterSpecification } from '../layers/parameter-specification.ts';
import type { InnerLoopOptions } from './inner-loop.ts';

/** Eq. 8's steps and ρ; `learned`: a factor for every step and weight tensor, part of Θ (MAML++). */
export interface InnerRates {
  readonly steps: number;
  readonly learningRate: number;
  readonly rates: 'fixed' | 'learned';
}

/** s of every step and of each of `weights`, [steps, weights], which makes the rates; none where they are fixed. */
export const rateSpecifications = (
  { steps, rates }: InnerRates,
  weights: readonly ParameterSpecification[],
): ParameterSpecification[] =>
  rates === 'learned'
    ? [{ name: 'inner.rates', shape: [steps, weights.length], group: 'weights', deviation: 0, mean: 0 }]
    : [];

/**
 * ρ, or ρ · exp(s) with the learned s of a step and weight; later steps go on with the last one's.
 * @param weights those that have rates, in the order of `rateSpecifications`
 */
export function innerRate(
  { steps, learningRate, rates }: InnerRates,
  weights: readonly Pick<ParameterSpecification, 'name'>[],
  theta: Weights,
): InnerLoopOptions['rate'] {
  if (rates !== 'learned') return () => learningRate;
  const factors: Tensor = multiply(exp(theta('inner.rates')), learningRate);
  const names = weights.map(({ name }) => name);
  return (step, name) => slice(slice(factors, 0, Math.min(step, steps - 1), 1), 1, names.indexOf(name), 1);
}
