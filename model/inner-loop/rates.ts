import type { ModelConfiguration } from '../configuration.ts';
import { broadcast, exp, multiply, reshape, slice } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import type { Values } from '../graph/programs.ts';
import type { Variable } from '../graph/variables.ts';

/** ρ of one inner step for an adapted tensor, as a factor of `like`. */
export type Rate = (name: string, like: Tensor) => Tensor | number;

/**
 * The learned inner rates: logarithms of factors of ρ, [steps, tensors], one for every step and tensor of the one-shot
 * model or of the head (MAML++, Antoniou et al. 2019). None where ρ is fixed.
 */
export function rateVariables({ innerLoop }: ModelConfiguration, columns: readonly string[]): Variable[] {
  return innerLoop.rates === 'learned'
    ? [{ name: 'inner.rates', shape: [innerLoop.steps, columns.length] }]
    : [];
}

/** The input that carries the rates of one step, [1, tensors]. */
export const stepRates = 'step.rates';

/** The rates of step k; further steps than were learned have those of the last one. */
export const rowOfStep = (rates: Tensor, k: number): Tensor =>
  slice(rates, 0, rowIndex(rates.shape[0]!, k), 1);

/** The same of values, as the input of a graph of one step. */
export function stepRateValues({ innerLoop }: ModelConfiguration, parameters: Values, k: number): Values {
  const rates = parameters['inner.rates'];
  if (!rates) return {};
  const width = rates.length / innerLoop.steps;
  const start = rowIndex(innerLoop.steps, k) * width;
  return { [stepRates]: rates.subarray(start, start + width) };
}

const rowIndex = (rows: number, k: number): number => Math.min(k, rows - 1);

/** Rates from their row, [1, tensors]; `column` is where a tensor's rate stands. */
export const learnedRate =
  (learningRate: number, row: Tensor, column: (name: string) => number): Rate =>
  (name, like) => {
    const own = multiply(exp(slice(row, 1, column(name), 1)), learningRate);
    return broadcast(
      reshape(
        own,
        like.shape.map(() => 1),
      ),
      like.shape,
    );
  };
