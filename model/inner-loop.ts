import type { GraphFunction } from './graph/graph.ts';
import type { Values } from './programs.ts';
import { joined, sizeKey, supportInputs } from './task.ts';
import type { Fit, LabelledSet, TaskNetwork, TaskRunner } from './task.ts';
import type { TaskSize } from './variables.ts';

/** A task with the query set that the outer objective is measured on. */
export interface MetaTask {
  readonly size: TaskSize;
  readonly support: LabelledSet;
  readonly query: LabelledSet;
}

/** A task on a network: what every part of its meta-gradient reads. */
export interface TaskRun {
  readonly runner: TaskRunner;
  readonly network: TaskNetwork;
  readonly mixes: Values;
  readonly task: MetaTask;
}

/** Eq. 8: the weights before every inner step and after the last, and the fit before every step. */
export async function innerLoop(
  { runner, network, mixes, task }: TaskRun,
  start: Values,
): Promise<{ trajectory: Values[]; fits: Fit[] }> {
  const trajectory = [start];
  const fits: Fit[] = [];
  for (let k = 0; k < runner.configuration.innerLoop.steps; k++) {
    const { weights, fit } = await runner.innerStep({ network, mixes, ...task }, trajectory[k]!);
    trajectory.push(weights);
    fits.push(fit);
  }
  return { trajectory, fits };
}

/** Loss, logits and gradients of the query set at the adapted weights. */
export function outerGradient(
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
 * Carries the outer gradient back through all inner steps, one Hessian-vector product a step: the gradients of the
 * weights before the first step, and those of the architecture.
 */
export async function reverseSteps(
  { runner: { programs }, network: { graphs }, mixes, task }: TaskRun,
  trajectory: readonly Values[],
  outer: Values,
): Promise<{ toStart: Record<string, Float32Array>; toMixes: Record<string, Float32Array> }> {
  const names = graphs.adapted(task.size.way).map(({ name }) => name);
  const given = supportInputs(task.support);
  const key = `step-pullback ${graphs.key} ${sizeKey(task.size)}`;
  const build = (): GraphFunction => graphs.stepPullback(task.size);
  const toMixes = pick(
    outer,
    graphs.mixes.map(({ name }) => name),
  );
  let toStart = pick(outer, names);
  for (const weights of trajectory.slice(0, -1).reverse()) {
    const back = await programs.run(key, build, weights, mixes, given, cotangents(toStart));
    toStart = pick(back, names);
    accumulate(toMixes, back);
  }
  return { toStart, toMixes };
}

export const pick = (values: Values, names: readonly string[]): Record<string, Float32Array> =>
  Object.fromEntries(names.map((name) => [name, values[name]!]));

/** The inputs of a pullback graph that carry `values`. */
export const cotangents = (values: Values): Values =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [`cotangent.${name}`, value]));

/** Adds `from` to the entries of `to` that it has. */
export function accumulate(to: Record<string, Float32Array>, from: Values): void {
  for (const [name, value] of Object.entries(to)) {
    const more = from[name];
    if (more) to[name] = value.map((x, i) => x + more[i]!);
  }
}
