import type { Values } from '../graph/programs.ts';
import type { TaskSize } from '../task/labelled-set.ts';
import { calibrationSpecification } from '../parameters.ts';

/** What the temperature of a task's probabilities depends on: 1, ln shots, ln ways. */
export const calibrationFeatures = ({ way, support }: TaskSize): readonly [number, number, number] => [
  1,
  Math.log(support / way),
  Math.log(way),
];

/**
 * The temperature that makes the served probabilities mean what they say (Guo et al. 2017): fitted on validation tasks
 * of several shapes, since a head of more images is surer of itself than it may be. Within 0.1..10.
 */
export function temperatureOf(parameters: Values, size: TaskSize): number {
  const coefficients = parameters[calibrationSpecification.name]!;
  const logarithm = calibrationFeatures(size).reduce((total, x, i) => total + x * coefficients[i]!, 0);
  return Math.min(10, Math.max(0.1, Math.exp(logarithm)));
}

/** The adapted weights with the head divided by the temperature: its logits are then the calibrated ones. */
export function calibrated(weights: Values, parameters: Values, size: TaskSize): Values {
  const factor = 1 / temperatureOf(parameters, size);
  const scaled = (name: string): Float32Array => weights[name]!.map((x) => x * factor);
  return { ...weights, 'head.weight': scaled('head.weight'), 'head.bias': scaled('head.bias') };
}
