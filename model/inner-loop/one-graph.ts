import { firstSide } from '../configuration.ts';
import type { ModelConfiguration } from '../configuration.ts';
import { cellGeometry } from '../search-space/geometry.ts';
import type { TaskSize } from '../task/labelled-set.ts';
import type { TaskGraphs } from './step-graphs.ts';

/**
 * Pixels of the support sets of all steps whose activations one graph may hold: 10 images of 42 px and five steps, and 50.
 * What is larger runs step by step, with one graph for any number of steps: 50 steps in one graph take longer to compile
 * than to run.
 */
const largest = {
  supernet: 10 * 5 * 42 ** 2,
  child: 50 * 5 * 42 ** 2,
  conv4: 50 * 5 * 42 ** 2,
} as const;

/** Whether the inner loop of a support set of `count` images runs as one graph, in training, evaluation and service alike. */
export const fitsOneGraph = (
  { configuration, network }: Pick<TaskGraphs, 'configuration' | 'network'>,
  count: number,
  steps: number,
): boolean => count * steps * firstSide(configuration.image) ** 2 <= largest[network.kind];

/** Of what one graph may hold of a plane of every channel of the normal cell on a trunk, over all rows and steps. */
const largestSolved = 50 * 5 * 64 * 5 ** 2;

/** The same on a trunk, where rows of small planes are adapted to. */
export function fitsOneSolvedGraph(
  configuration: ModelConfiguration,
  { support, views = 1 }: TaskSize,
  steps: number,
): boolean {
  const { channels, side } = cellGeometry(configuration).normal;
  return support * views * steps * channels * side ** 2 <= largestSolved;
}
