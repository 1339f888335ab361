import { scatterChild } from './child.ts';
import type { ModelConfiguration } from './configuration.ts';
import type { Genotype } from './genotype.ts';
import type { Values } from './programs.ts';
import { parameterSpecifications } from './parameters.ts';
import type { Parameters } from './parameters.ts';
import type { GraphFunction } from './graph/graph.ts';
import { sizeOf } from './graph/shapes.ts';
import { accuracyOf, architectureValues, joined, sizeKey } from './task.ts';
import type { Embedded, Fit, LabelledSet, TaskNetwork, TaskRunner } from './task.ts';
import { embeddingPullback } from './embedding-graphs.ts';
import type { TaskSize } from './variables.ts';

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
  const { size, support, query } = task;
  const embedded = await runner.embed(parameters, support, size, stage === 'search' ? mask : null);
  const { network, mixes, genotype } = chooseNetwork(runner, embedded, stage);
  const run: TaskRun = { runner, network, parameters, mixes, task };
  const start = await runner.initialWeights(network, parameters, embedded.modulated, mixes, support, size);
  const { trajectory, fits } = await innerLoop(run, start);
  const outer = await outerGradient(run, trajectory.at(-1)!);
  const { toBody, toMixes, head } = await reverseInnerLoop(run, trajectory, outer);
  const options = { stage, reconstructionWeight, mask };
  const last = fits.at(-1) ?? { loss: Number.NaN, accuracy: Number.NaN };
  const { reconstruction, ...gradients } = await pullToParameters(run, options, toBody, toMixes, head);
  return {
    gradients,
    query: { loss: outer['loss']![0]!, accuracy: accuracyOf(outer['logits']!, query.targets, size.way) },
    support: { before: fits[0] ?? last, after: last },
    reconstruction: reconstruction![0]!,
    genotype,
  };
}

/** What every part of one task's meta-gradient reads. */
interface TaskRun {
  readonly runner: TaskRunner;
  readonly network: TaskNetwork;
  readonly parameters: Parameters;
  readonly mixes: Values;
  readonly task: MetaTask;
}

const supportValues = ({ support }: MetaTask): Values => ({
  'support.images': support.images,
  'support.targets': support.targets,
});

/** Eq. 8: the weights before every inner step and after the last, and the fit before every step. */
async function innerLoop(
  { runner, network, mixes, task: { support, size } }: TaskRun,
  start: Values,
): Promise<{ trajectory: Values[]; fits: Fit[] }> {
  const trajectory = [start];
  const fits: Fit[] = [];
  for (let k = 0; k < runner.configuration.innerLoop.steps; k++) {
    const { weights, fit } = await runner.innerStep(network, trajectory[k]!, mixes, support, size);
    trajectory.push(weights);
    fits.push(fit);
  }
  return { trajectory, fits };
}

/** Loss, logits and gradients of the query set at the adapted weights. */
function outerGradient(
  { runner, network, mixes, task }: TaskRun,
  adapted: Values,
): Promise<Record<string, Float32Array>> {
  const { size, support, query } = task;
  const { statistics } = runner.configuration.normalization;
  const images =
    statistics === 'support'
      ? { 'both.images': joined(support.images, query.images) }
      : { 'query.images': query.images };
  return runner.programs.run(
    `query-gradient ${network.graphs.key} ${sizeKey(size)} ${query.count}`,
    () => network.graphs.queryGradient(size, query.count, statistics),
    adapted,
    mixes,
    images,
    { 'query.targets': query.targets },
  );
}

/** Carries the outer gradient back through all inner steps and the head to the modulated weights and α. */
async function reverseInnerLoop(
  { runner: { programs }, network: { graphs }, parameters, mixes, task }: TaskRun,
  trajectory: readonly Values[],
  outer: Values,
): Promise<{ toBody: Values; toMixes: Values; head: Values }> {
  const names = graphs.adapted(task.size.way).map(({ name }) => name);
  const mixNames = graphs.mixes.map(({ name }) => name);
  const given = supportValues(task);
  const key = `${graphs.key} ${sizeKey(task.size)}`;
  const toMixes = pick(outer, mixNames);
  let v: Values = pick(outer, names);
  for (const weights of trajectory.slice(0, -1).reverse()) {
    const build = (): GraphFunction => graphs.stepPullback(task.size);
    const back = await programs.run(`step-pullback ${key}`, build, weights, mixes, given, cotangents(v));
    v = pick(back, names);
    accumulate(toMixes, back);
  }
  const build = (): GraphFunction => graphs.headPullback(task.size);
  const head = await programs.run(
    `head-pullback ${key}`,
    build,
    parameters,
    trajectory[0]!,
    mixes,
    given,
    cotangents(v),
  );
  const toBody = pick(v, names.slice(0, -2));
  accumulate(toBody, head);
  accumulate(toMixes, head);
  return { toBody, toMixes, head };
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

/**
 * Gradients by parameter name, and `reconstruction`, L_r itself. Straight through: cotangents of the zeroed architecture
 * are taken as those of the relaxed one.
 */
async function pullToParameters(
  { runner, network, parameters, task }: TaskRun,
  { stage, reconstructionWeight, mask }: MetaGradientOptions,
  toBody: Values,
  toMixes: Values,
  head: Values,
): Promise<Record<string, Float32Array>> {
  const { size } = task;
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
    { ...supportValues(task), ...(masked ? { 'path.mask': mask } : {}) },
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
