import { architectureValues } from '../controller/architecture.ts';
import { architecturePullback } from '../controller/embedding-graphs.ts';
import type { Values } from '../graph/programs.ts';
import type { Embedded, TaskRunner } from '../inner-loop/task-runner.ts';
import type { Parameters } from '../layers/parameter-specification.ts';
import { chooseGenotype, oneHot, strengthOf } from '../search-space/genotype.ts';
import type { Fit } from '../task/labelled-set.ts';
import { cotangents } from './inner-gradient.ts';
import type { MetaGradient } from './meta-gradient.ts';

/** Of the softmax of strengths that stands for the choice. */
export const choiceTemperature = 0.25;

/**
 * By how much the loss of another architecture than the first one must be less, nats. What is a little better on training
 * classes is not so on others, whose networks these classes have not trained.
 */
export const choiceMargin = 0.06;

/**
 * How the controller learns which of the runner's architectures answers a task best (stage `choose`): the exact gradient
 * of the query loss that is expected when one is drawn by the softmax of the strengths that the controller gives them
 * (strengthOf, by which it chooses), with a margin in favour of the first one. Networks, z_i and shares stay as they are.
 * @param fits of the query set by each of the runner's architectures
 * @throws RangeError where there is nothing to choose among
 */
export async function choiceGradient(
  { configuration, genotypes, programs }: TaskRunner,
  parameters: Parameters,
  { embedding, architecture }: Pick<Embedded, 'embedding' | 'architecture'>,
  fits: readonly Fit[],
): Promise<MetaGradient> {
  if (genotypes.length < 2 || !architecture)
    throw new RangeError('the stage choose needs architectures to choose among');
  const { nodes } = configuration.supernet;
  const strengths = genotypes.map((genotype) => strengthOf(architecture, genotype, nodes));
  const chances = softmax(strengths.map((strength) => strength / choiceTemperature));
  const expected = (of: (fit: Fit) => number): number =>
    fits.reduce((sum, fit, i) => sum + chances[i]! * of(fit), 0);
  const losses = fits.map(({ loss }, i) => (i === 0 ? loss : loss + choiceMargin));
  const mean = losses.reduce((sum, loss, i) => sum + chances[i]! * loss, 0);
  const toMixes: Record<string, Float32Array> = {};
  genotypes.forEach((genotype, i) => {
    // a strength is the sum of what the relaxed architecture gives the chosen operations and taps
    const toStrength = (chances[i]! * (losses[i]! - mean)) / choiceTemperature;
    addScaled(toMixes, architectureValues(oneHot(genotype, nodes), configuration), toStrength);
  });
  const gradients = await programs.run(
    'architecture-pullback',
    () => architecturePullback(configuration),
    parameters,
    { embedding },
    cotangents(toMixes),
  );
  return {
    gradients,
    query: { loss: expected((fit) => fit.loss), accuracy: expected((fit) => fit.accuracy) },
    support: null,
    reconstruction: 0,
    genotype: chooseGenotype(architecture, genotypes, nodes),
  };
}

function softmax(scores: readonly number[]): number[] {
  const largest = Math.max(...scores);
  const exponentials = scores.map((score) => Math.exp(score - largest));
  const total = exponentials.reduce((sum, x) => sum + x, 0);
  return exponentials.map((x) => x / total);
}

function addScaled(into: Record<string, Float32Array>, values: Values, factor: number): void {
  for (const [name, own] of Object.entries(values)) {
    const sums = (into[name] ??= new Float32Array(own.length));
    own.forEach((value, i) => (sums[i]! += factor * value));
  }
}
