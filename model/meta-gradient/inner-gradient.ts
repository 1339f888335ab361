import type { GraphFunction } from '../graph/graph.ts';
import type { Values } from '../graph/programs.ts';
import type { Variable } from '../graph/variables.ts';
import { selectChild } from '../network/child.ts';
import { exactSteps } from '../configuration.ts';
import { sizeOf } from '../graph/shapes.ts';
import { fitsOneGraph } from '../inner-loop/one-graph.ts';
import { stepRates, stepRateValues } from '../inner-loop/rates.ts';
import type { Parameters } from '../layers/parameter-specification.ts';
import type { TaskNetwork, TaskRunner } from '../inner-loop/task-runner.ts';
import { fitNames, unrolledFunction } from '../inner-loop/unrolled-graphs.ts';
import { fitOf, joined, sizeKey, supportInputs } from '../task/labelled-set.ts';
import type { Fit, MetaTask } from '../task/labelled-set.ts';

/** A task on a network: what every part of its meta-gradient reads. */
export interface TaskRun {
  readonly runner: TaskRunner;
  readonly network: TaskNetwork;
  readonly mixes: Values;
  readonly task: MetaTask;
}

/** What the inner loop and its reverse give: the fits, and the gradients of the query set's loss. */
export interface InnerGradient {
  readonly query: Fit;
  /** Of the support set before every inner step. */
  readonly fits: readonly Fit[];
  /** Of the modulated weights before the first step, by name: the network's, and those of the head. */
  readonly toModulated: Values;
  /** Of the architecture. */
  readonly toMixes: Values;
  /** Of what is not modulated: the scale of a head of class means, and the learned inner rates. */
  readonly toOthers: Values;
}

/**
 * Eq. 8 and the exact second-order reverse of Eq. 9 through it, from the modulated weights: as one unrolled graph where
 * the activations of all steps are few, else step by step.
 */
export function innerGradient(
  run: TaskRun,
  parameters: Parameters,
  modulated: Values,
): Promise<InnerGradient> {
  const { runner, network, task } = run;
  const { steps } = runner.configuration.innerLoop;
  const way = fitsOneGraph(network.graphs, task.support.count, steps) ? unrolledGradient : stepwiseGradient;
  return way(run, parameters, modulated);
}

export async function unrolledGradient(
  { runner, network, mixes, task }: TaskRun,
  parameters: Parameters,
  modulated: Values,
): Promise<InnerGradient> {
  const { size, support, query } = task;
  const { graphs, child } = network;
  const { normalization, innerLoop: inner } = runner.configuration;
  const body = child ? selectChild(child, modulated) : modulated;
  const results = await runner.programs.run(
    `unrolled ${graphs.key} ${sizeKey(size)} ${query.count}`,
    () => unrolledFunction(graphs, size, { query: query.count, statistics: normalization.statistics }),
    { ...parameters, ...body },
    mixes,
    supportInputs(support),
    { 'query.images': query.images, 'query.targets': query.targets },
  );
  return {
    query: fitOf(results, query, size.way),
    fits: Array.from({ length: inner.steps }, (_, k) => fitOf(results, support, size.way, fitNames(k))),
    toModulated: pick(results, namesOf(graphs.modulated)),
    toMixes: pick(results, namesOf(graphs.mixes)),
    toOthers: pick(results, namesOf(graphs.unmodulated)),
  };
}

/** The weights of every inner step are kept, and one Hessian-vector product a step carries the cotangents back. */
export async function stepwiseGradient(
  run: TaskRun,
  parameters: Parameters,
  modulated: Values,
): Promise<InnerGradient> {
  const { runner, network, mixes, task } = run;
  const start = await runner.initialWeights({ network, mixes, ...task }, parameters, modulated);
  const { trajectory, fits } = await innerLoop(run, parameters, start);
  const outer = await outerGradient(run, trajectory.at(-1)!);
  const { toStart, toMixes, toRates } = await reverseSteps(run, parameters, trajectory, outer);
  const head = await runner.programs.run(
    `head-pullback ${network.graphs.key} ${sizeKey(task.size)}`,
    () => network.graphs.headPullback(task.size),
    parameters,
    start,
    mixes,
    supportInputs(task.support),
    cotangents(toStart),
  );
  const { graphs } = network;
  const ofHead = pick(head, namesOf(graphs.headParameters));
  const toBody = pick(toStart, namesOf(graphs.body));
  accumulate(toBody, head);
  accumulate(toMixes, head);
  const whole = { ...toBody, ...ofHead, ...toRates };
  const { query, size } = task;
  return {
    query: fitOf(outer, query, size.way),
    fits,
    toModulated: pick(whole, namesOf(graphs.modulated)),
    toMixes,
    toOthers: pick(whole, namesOf(graphs.unmodulated)),
  };
}

/** Eq. 8: the weights before every inner step and after the last, and the fit before every step. */
async function innerLoop(
  { runner, network, mixes, task }: TaskRun,
  parameters: Parameters,
  start: Values,
): Promise<{ trajectory: Values[]; fits: Fit[] }> {
  const trajectory = [start];
  const fits: Fit[] = [];
  const { steps } = runner.configuration.innerLoop;
  const own = { network, mixes, ...task };
  for await (const { weights, fit } of runner.innerSteps(own, start, parameters, steps)) {
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

/**
 * Carries the outer gradient back through the inner steps, one Hessian-vector product a step: the gradients of the weights
 * before the first step, of the architecture and of the learned rates. `outer` are those after the last step. Steps before
 * the last `exactSteps` have rates alone.
 */
async function reverseSteps(
  run: TaskRun,
  parameters: Parameters,
  trajectory: readonly Values[],
  outer: Values,
): Promise<Record<'toStart' | 'toMixes' | 'toRates', Record<string, Float32Array>>> {
  const {
    runner: { programs, configuration },
    network: { graphs },
    mixes,
    task,
  } = run;
  const names = graphs.adapted(task.size.way).map(({ name }) => name);
  const given = supportInputs(task.support);
  const key = `step-pullback ${graphs.key} ${sizeKey(task.size)}`;
  const build = (): GraphFunction => graphs.stepPullback(task.size);
  const { steps } = configuration.innerLoop;
  const toMixes = pick(outer, namesOf(graphs.mixes));
  let toStart = pick(outer, names);
  const toRates = graphs.rates.map(({ name, shape }) => [name, new Float32Array(sizeOf(shape))] as const);
  for (let k = steps - 1; k >= 0; k--) {
    const exact = k >= steps - exactSteps(configuration);
    if (!exact && toRates.length === 0) continue;
    const rates = stepRateValues(configuration, parameters, k);
    const back = await programs.run(key, build, trajectory[k]!, mixes, rates, given, cotangents(toStart));
    for (const [, values] of toRates) values.set(back[stepRates]!, (k * values.length) / steps);
    if (!exact) continue;
    toStart = pick(back, names);
    accumulate(toMixes, back);
  }
  return { toStart, toMixes, toRates: Object.fromEntries(toRates) };
}

const namesOf = (variables: readonly Variable[]): string[] => variables.map(({ name }) => name);

const pick = (values: Values, names: readonly string[]): Record<string, Float32Array> =>
  Object.fromEntries(names.map((name) => [name, values[name]!]));

/** The inputs of a pullback graph that carry `values`. */
export const cotangents = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`cotangent.${name}`, value]));

/** Adds `from` times `factor` to the entries of `to` that it has. */
export function accumulate(to: Record<string, Float32Array>, from: Values, factor = 1): void {
  for (const [name, value] of Object.entries(to)) {
    const more = from[name];
    if (more) to[name] = value.map((x, i) => x + factor * more[i]!);
  }
}
