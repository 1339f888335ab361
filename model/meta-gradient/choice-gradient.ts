import { architectureValues } from '../controller/architecture.ts';
import { architecturePullback } from '../controller/embedding-graphs.ts';
import type { Embedded, TaskRunner } from '../inner-loop/task-runner.ts';
import type { Parameters } from '../layers/parameter-specification.ts';
import { chooseGenotype, oneHot, strengthOf } from '../search-space/genotype.ts';
import { softmaxOf } from '../task/labelled-set.ts';
import type { Fit } from '../task/labelled-set.ts';
import { accumulate, cotangents } from './inner-gradient.ts';
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
  const chances = softmaxOf(strengths.map((strength) => strength / choiceTemperature));
  const expected = (values: readonly number[]): number =>
    values.reduce((sum, value, i) => sum + chances[i]! * value, 0);
  const losses = fits.map(({ loss }, i) => (i === 0 ? loss : loss + choiceMargin));
  const mean = expected(losses);
  const mixes = genotypes.map((genotype) => architectureValues(oneHot(genotype, nodes), configuration));
  const toMixes = Object.fromEntries(
    Object.entries(mixes[0]!).map(([name, { length }]) => [name, new Float32Array(length)]),
  );
  // a strength is the sum of what the relaxed architecture gives the chosen operations and taps
  mixes.forEach((chosen, i) =>
    accumulate(toMixes, chosen, (chances[i]! * (losses[i]! - mean)) / choiceTemperature),
  );
  const gradients = await programs.run(
    'architecture-pullback',
    () => architecturePullback(configuration),
    parameters,
    { embedding },
    cotangents(toMixes),
  );
  return {
    gradients,
    query: {
      loss: expected(fits.map(({ loss }) => loss)),
      accuracy: expected(fits.map(({ accuracy }) => accuracy)),
    },
    support: null,
    reconstruction: 0,
    genotype: chooseGenotype(architecture, genotypes, nodes),
  };
}
