import { scatterChild } from './child.ts';
import type { ModelConfiguration } from './configuration.ts';
import type { Genotype } from './genotype.ts';
import type { Values } from './programs.ts';
import { parameterSpecifications } from './parameters.ts';
import type { Parameters } from './parameters.ts';
import { sizeOf } from './graph/shapes.ts';
import { accuracyOf, architectureValues, joined, sizeKey } from './task.ts';
import type { Embedded, Fit, LabelledSet, TaskNetwork, TaskRunner } from './task.ts';
import { embeddingPullback } from './task-graphs.ts';
import type { TaskSize } from './task-graphs.ts';

/**
 * Stages of meta-training. `search`: the relaxed supernet (Algorithm 1). `tune`: unselected operations are zeroed and
 * the controller is tuned by the straight-through estimator. `retrain`: the decoded children alone, controller fixed.
 */
export type Stage = 'search' | 'tune' | 'retrain';

export interface MetaTask {
  readonly size: TaskSize;
  readonly support: LabelledSet;
  readonly query: LabelledSet;
}

export interface MetaGradient {
  /** ∂(L_val + β L_r)/∂Θ of one task, by parameter name. */
  readonly gradients: Readonly<Record<string, Float32Array>>;
  readonly query: Fit;
  readonly support: { readonly before: Fit; readonly after: Fit };
  readonly reconstruction: number;
  readonly genotype: Genotype;
}

export interface MetaGradientOptions {
  readonly stage: Stage;
  readonly reconstructionWeight: number;
  /** Path dropout: 0 drops a candidate operation of an edge; [2 · edges, 8]. */
  readonly mask: Float32Array | null;
}

/**
 * The exact meta-gradient of one task (Eq. 9), second order through all inner steps, by hand-made reverse: the weights
 * of every inner step are kept, and one Hessian-vector product a step carries the cotangents back.
 */
export async function metaGradient(
  runner: TaskRunner,
  parameters: Parameters,
  task: MetaTask,
  { stage, reconstructionWeight, mask }: MetaGradientOptions,
): Promise<MetaGradient> {
  const { configuration, programs } = runner;
  const { size, support, query } = task;
  const embedded = await runner.embed(parameters, support, size, stage === 'search' ? mask : null);
  const { network, mixes, genotype } = chooseNetwork(runner, embedded, stage);
  const { graphs } = network;
  const supportImages = { 'support.images': support.images, 'support.targets': support.targets };

  const trajectory: Values[] = [
    await runner.initialWeights(network, parameters, embedded.modulated, mixes, support, size),
  ];
  const fits: Fit[] = [];
  for (let k = 0; k < configuration.innerLoop.steps; k++) {
    const { weights, fit } = await runner.innerStep(network, trajectory[k]!, mixes, support, size);
    trajectory.push(weights);
    fits.push(fit);
  }

  const { statistics } = configuration.normalization;
  const images =
    statistics === 'support'
      ? { 'both.images': joined(support.images, query.images) }
      : { 'query.images': query.images };
  const outer = await programs.run(
    `query-gradient ${graphs.key} ${sizeKey(size)} ${query.count}`,
    () => graphs.queryGradient(size, query.count, statistics),
    trajectory.at(-1)!,
    mixes,
    images,
    { 'query.targets': query.targets },
  );
  const names = graphs.adapted(size.way).map(({ name }) => name);
  let v: Values = pick(outer, names);
  const toMixes = pick(
    outer,
    graphs.mixes.map(({ name }) => name),
  );
  for (let k = configuration.innerLoop.steps - 1; k >= 0; k--) {
    const back = await programs.run(
      `step-pullback ${graphs.key} ${sizeKey(size)}`,
      () => graphs.stepPullback(size),
      trajectory[k]!,
      mixes,
      supportImages,
      cotangents(v),
    );
    v = pick(back, names);
    accumulate(toMixes, back);
  }
  const head = await programs.run(
    `head-pullback ${graphs.key} ${sizeKey(size)}`,
    () => graphs.headPullback(size),
    parameters,
    trajectory[0]!,
    mixes,
    supportImages,
    cotangents(v),
  );
  const toBody = pick(v, names.slice(0, -2));
  accumulate(toBody, head);
  accumulate(toMixes, head);
  const gradients = await pullToParameters(
    runner,
    parameters,
    task,
    { stage, reconstructionWeight, mask },
    network,
    toBody,
    toMixes,
    head,
  );
  const last = fits.at(-1) ?? { loss: Number.NaN, accuracy: Number.NaN };
  return {
    gradients,
    query: { loss: outer['loss']![0]!, accuracy: accuracyOf(outer['logits']!, query.targets, size.way) },
    support: { before: fits[0] ?? last, after: last },
    reconstruction: embedded.reconstruction,
    genotype,
  };
}

/** The network that a stage runs: relaxed, zeroed to the decoded architecture, or the decoded child itself. */
export function chooseNetwork(
  runner: TaskRunner,
  { architecture }: Embedded,
  stage: Stage,
): { network: TaskNetwork; mixes: Values; genotype: Genotype } {
  const { nodes } = runner.configuration.supernet;
  const genotype = runner.decode(architecture);
  if (stage === 'retrain') return { network: runner.child(genotype), mixes: {}, genotype };
  const used = stage === 'search' ? architecture : runner.oneHot(genotype);
  return { network: runner.supernet(), mixes: architectureValues(used, nodes), genotype };
}

/** Straight through: cotangents of the zeroed architecture are taken as those of the relaxed one. */
async function pullToParameters(
  runner: TaskRunner,
  parameters: Parameters,
  { size, support }: MetaTask,
  { stage, reconstructionWeight, mask }: MetaGradientOptions,
  network: TaskNetwork,
  toBody: Values,
  toMixes: Values,
  head: Values,
): Promise<Record<string, Float32Array>> {
  const { configuration, programs } = runner;
  const searching = stage !== 'retrain';
  const masked = stage === 'search' && mask !== null;
  const given = {
    ...toBody,
    ...(configuration.head.kind === 'shared' ? { 'head.vector': head['head.vector']! } : {}),
  };
  const full = network.child ? scatterChild(network.child, given, weightLengths(configuration)) : given;
  const gradients = await programs.run(
    `embedding-pullback ${sizeKey(size)} ${masked} ${searching} ${reconstructionWeight}`,
    () => embeddingPullback(configuration, size, { masked, searching, reconstructionWeight }),
    parameters,
    {
      'support.images': support.images,
      'support.targets': support.targets,
      ...(masked ? { 'path.mask': mask } : {}),
    },
    cotangents(full),
    cotangents(toMixes),
  );
  return head['head.scale'] ? { ...gradients, 'head.scale': head['head.scale'] } : gradients;
}

const weightLengths = (configuration: ModelConfiguration): Record<string, number> =>
  Object.fromEntries(
    parameterSpecifications(configuration)
      .filter(({ group }) => group === 'weights')
      .map(({ name, shape }) => [name, sizeOf(shape)]),
  );

const pick = (values: Values, names: readonly string[]): Record<string, Float32Array> =>
  Object.fromEntries(names.map((name) => [name, values[name]!]));

const cotangents = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`cotangent.${name}`, value]));

/** Adds `from` to the entries of `to` that it has. */
function accumulate(to: Record<string, Float32Array>, from: Values): void {
  for (const [name, value] of Object.entries(to)) {
    const more = from[name];
    if (more) to[name] = value.map((x, i) => x + more[i]!);
  }
}
