import { exactSteps } from '../configuration.ts';
import type { Stage } from '../configuration.ts';
import type { Values } from '../graph/programs.ts';
import type { Variable } from '../graph/variables.ts';
import { startValues } from '../inner-loop/solved-network.ts';
import type { SolvedNetwork } from '../inner-loop/solved-network.ts';
import type { Embedded, TaskRunner } from '../inner-loop/task-runner.ts';
import { fitNames } from '../inner-loop/unrolled-graphs.ts';
import type { Parameters } from '../layers/parameter-specification.ts';
import type { Genotype } from '../search-space/genotype.ts';
import { inOneShot, pullToParameters, relaxationOf } from './meta-gradient.ts';
import type { MetaGradient, MetaGradientOptions } from './meta-gradient.ts';
import { architectureValues } from '../controller/architecture.ts';
import { fitOf, joined, sizeKey, supportInputs } from '../task/labelled-set.ts';
import type { ViewedTask } from '../task/viewed-task.ts';
import { viewedSize, firstViews } from '../task/viewed-task.ts';

/** The network of a stage on a trunk, as chooseNetwork is without one. */
export function chooseSolved(
  runner: TaskRunner,
  embedded: Embedded,
  stage: Stage,
): { readonly network: SolvedNetwork; readonly mixes: Values; readonly genotype: Genotype } {
  const genotype = runner.decode(embedded);
  if (stage === 'retrain') return { network: runner.solved(genotype), mixes: {}, genotype };
  const used = stage === 'search' ? embedded.architecture! : runner.oneHot(genotype);
  return { network: runner.solved(null), mixes: architectureValues(used, runner.configuration), genotype };
}

/** The exact meta-gradient of one task on a trunk (Eq. 9), second order through the inner steps and the solved heads. */
export async function solvedMetaGradient(
  runner: TaskRunner,
  parameters: Parameters,
  task: ViewedTask,
  options: Omit<MetaGradientOptions, 'adaptedTo'>,
): Promise<MetaGradient> {
  const { configuration, programs } = runner;
  const { support, query } = task;
  const size = viewedSize(task);
  const { steps } = configuration.innerLoop;
  const seen = firstViews(support);
  const seenSize = { ...size, views: 1 };
  const embedded = await runner.embed(parameters, seen, seenSize, relaxationOf(options));
  const { network, mixes, genotype } = chooseSolved(runner, embedded, options.stage);
  const { graphs } = network;
  const asked = { images: query.count, views: query.views };
  const results = await programs.run(
    `solved ${graphs.key} ${sizeKey(size)} ${asked.images}v${asked.views}`,
    () => graphs.metaGradient(size, asked, { steps, exact: exactSteps(configuration) }),
    startValues(network, parameters, embedded.modulated),
    mixes,
    supportInputs(support),
    { 'both.images': joined(support.images, query.images), 'query.targets': query.targets },
  );
  const among = (variables: readonly Variable[]): Values =>
    Object.fromEntries(variables.map(({ name }) => [name, results[name]!]));
  const toStart = among([...graphs.adapted, ...graphs.conditions]);
  const { reconstruction, ...gradients } = await pullToParameters(runner, parameters, options, {
    support: seen,
    size: seenSize,
    embedding: embedded.embedding,
    toModulated: network.child
      ? { ...toStart, ...inOneShot(configuration, network.child.weights, toStart) }
      : toStart,
    toMixes: among(graphs.mixes),
  });
  const fits = Array.from({ length: steps }, (_, k) => fitOf(results, support, size.way, fitNames(k)));
  return {
    gradients,
    query: fitOf(results, query, size.way),
    support: fits.length > 0 ? { before: fits[0]!, after: fits.at(-1)! } : null,
    reconstruction: reconstruction![0]!,
    genotype,
  };
}
