import { exactSteps } from '../configuration.ts';
import type { ModelConfiguration } from '../configuration.ts';
import { embeddingPullback, modulationPullback } from '../controller/embedding-graphs.ts';
import type { Values } from '../graph/programs.ts';
import { sizeOf } from '../graph/shapes.ts';
import { startValues } from '../inner-loop/solved-network.ts';
import type { SolvedNetwork } from '../inner-loop/solved-network.ts';
import type { Embedded, TaskRunner } from '../inner-loop/task-runner.ts';
import { fitNames } from '../inner-loop/unrolled-graphs.ts';
import type { Parameters } from '../layers/parameter-specification.ts';
import { scatterChild } from '../network/child.ts';
import type { Genotype } from '../search-space/genotype.ts';
import { tapSlots } from '../search-space/taps.ts';
import { cotangents } from './inner-gradient.ts';
import type { MetaGradient, MetaGradientOptions, Stage } from './meta-gradient.ts';
import { architectureValues } from '../controller/architecture.ts';
import { fitOf, joined, sizeKey, supportInputs } from '../task/labelled-set.ts';
import { noRelaxation, relaxationInputs } from '../controller/relaxation.ts';
import { weightSpecifications } from '../network/weights.ts';
import type { ViewedTask } from '../task/viewed-task.ts';
import { viewedSize, firstViews } from '../task/viewed-task.ts';

/** The network of a stage on a trunk, as chooseNetwork is without one. */
export function chooseSolved(
  runner: TaskRunner,
  { architecture }: Embedded,
  stage: Stage,
): { readonly network: SolvedNetwork; readonly mixes: Values; readonly genotype: Genotype } {
  const { supernet } = runner.configuration;
  const genotype = runner.decode(architecture);
  if (stage === 'retrain') return { network: runner.solved(genotype), mixes: {}, genotype };
  const used = stage === 'search' ? architecture! : runner.oneHot(genotype);
  const slots = tapSlots(runner.configuration);
  return { network: runner.solved(null), mixes: architectureValues(used, supernet.nodes, slots), genotype };
}

/** The exact meta-gradient of one task on a trunk (Eq. 9), second order through the inner steps and the solved heads. */
export async function solvedMetaGradient(
  runner: TaskRunner,
  parameters: Parameters,
  task: ViewedTask,
  options: Omit<MetaGradientOptions, 'adaptedTo' | 'everyStep'>,
): Promise<MetaGradient> {
  const { configuration, programs } = runner;
  const { support, query } = task;
  const size = viewedSize(task);
  const { steps } = configuration.innerLoop;
  const relaxation = options.stage === 'search' ? options.relaxation : noRelaxation;
  const seen = { ...size, views: 1 };
  const embedded = await runner.embed(parameters, firstViews(support), seen, relaxation);
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
  const pulled = await pullToParameters(runner, parameters, task, options, {
    ...{ network, embedded, relaxation },
    toStart: Object.fromEntries(
      [...graphs.adapted, ...graphs.conditions].map(({ name }) => [name, results[name]!]),
    ),
    toMixes: Object.fromEntries(graphs.mixes.map(({ name }) => [name, results[name]!])),
  });
  const { reconstruction, ...gradients } = pulled;
  const fits = Array.from({ length: steps }, (_, k) => fitOf(results, support, size.way, fitNames(k)));
  return {
    gradients,
    query: fitOf(results, query, size.way),
    support: fits.length > 0 ? { before: fits[0]!, after: fits.at(-1)! } : null,
    reconstruction: reconstruction![0]!,
    genotype,
  };
}

interface Pulled {
  readonly network: SolvedNetwork;
  readonly embedded: Embedded;
  readonly relaxation: MetaGradientOptions['relaxation'];
  readonly toStart: Values;
  readonly toMixes: Values;
}

/** Gradients of Θ by name, and L_r, from those of what the inner loop starts from. */
async function pullToParameters(
  { configuration, programs }: TaskRunner,
  parameters: Parameters,
  task: ViewedTask,
  { stage, reconstructionWeight, fixedEncoder }: Omit<MetaGradientOptions, 'relaxation'>,
  { network, embedded, relaxation, toStart, toMixes }: Pulled,
): Promise<Record<string, Float32Array>> {
  const size = { ...viewedSize(task), views: 1 };
  const full = network.child
    ? { ...toStart, ...scatterChild(network.child.weights, toStart, weightLengths(configuration)) }
    : toStart;
  const searching = stage !== 'retrain';
  if (fixedEncoder && !searching) {
    const pulled = await programs.run(
      `modulation-pullback ${sizeKey(size)}`,
      () => modulationPullback(configuration, size),
      parameters,
      { embedding: embedded.embedding },
      cotangents(full),
    );
    return { ...pulled, reconstruction: new Float32Array(1) };
  }
  const masked = relaxation.mask !== null;
  return programs.run(
    `embedding-pullback ${sizeKey(size)} ${masked} ${searching} ${reconstructionWeight}`,
    () => embeddingPullback(configuration, size, { masked, searching, reconstructionWeight }),
    parameters,
    { ...supportInputs(firstViews(task.support)), ...relaxationInputs(relaxation) },
    cotangents(full),
    cotangents(toMixes),
  );
}

const weightLengths = (configuration: ModelConfiguration): Record<string, number> =>
  Object.fromEntries(weightSpecifications(configuration).map(({ name, shape }) => [name, sizeOf(shape)]));
