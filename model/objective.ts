import { scatterChild } from './child.ts';
import type { ModelConfiguration } from './configuration.ts';
import type { Genotype } from './genotype.ts';
import type { Values } from './programs.ts';
import { parameterSpecifications } from './parameters.ts';
import type { Parameters } from './parameters.ts';
import { sizeOf } from './graph/shapes.ts';
import { accumulate, cotangents, innerLoop, outerGradient, pick, reverseSteps } from './inner-loop.ts';
import type { MetaTask, TaskRun } from './inner-loop.ts';
import { accuracyOf, architectureValues, sizeKey, supportInputs } from './task.ts';
import type { Embedded, Fit, TaskNetwork, TaskRunner } from './task.ts';
import { embeddingPullback } from './embedding-graphs.ts';

/**
 * Stages of meta-training. `search`: the relaxed supernet (Algorithm 1). `tune`: unselected operations are zeroed and
 * the controller is tuned by the straight-through estimator. `retrain`: the decoded children alone, controller fixed.
 */
export type Stage = 'search' | 'tune' | 'retrain';

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
  const run: TaskRun = { runner, network, mixes, task };
  const start = await runner.initialWeights({ network, mixes, ...task }, parameters, embedded.modulated);
  const { trajectory, fits } = await innerLoop(run, start);
  const outer = await outerGradient(run, trajectory.at(-1)!);
  const { toBody, toMixes, head } = await reverseInnerLoop(run, parameters, trajectory, outer);
  const options = { stage, reconstructionWeight, mask };
  const last = fits.at(-1) ?? { loss: Number.NaN, accuracy: Number.NaN };
  const { reconstruction, ...gradients } = await pullToParameters(
    run,
    parameters,
    options,
    toBody,
    toMixes,
    head,
  );
  return {
    gradients,
    query: { loss: outer['loss']![0]!, accuracy: accuracyOf(outer['logits']!, query.targets, size.way) },
    support: { before: fits[0] ?? last, after: last },
    reconstruction: reconstruction![0]!,
    genotype,
  };
}

/** Carries the outer gradient back through all inner steps and the head to the modulated weights and α. */
async function reverseInnerLoop(
  run: TaskRun,
  parameters: Parameters,
  trajectory: readonly Values[],
  outer: Values,
): Promise<{ toBody: Values; toMixes: Values; head: Values }> {
  const { runner, network, mixes, task } = run;
  const { toStart, toMixes } = await reverseSteps(run, trajectory, outer);
  const head = await runner.programs.run(
    `head-pullback ${network.graphs.key} ${sizeKey(task.size)}`,
    () => network.graphs.headPullback(task.size),
    parameters,
    trajectory[0]!,
    mixes,
    supportInputs(task.support),
    cotangents(toStart),
  );
  const toBody = pick(toStart, Object.keys(toStart).slice(0, -2)); // without the head's weight and bias
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
  { runner, network, task }: TaskRun,
  parameters: Parameters,
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
    { ...supportInputs(task.support), ...(masked ? { 'path.mask': mask } : {}) },
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
