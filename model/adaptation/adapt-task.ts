import type { Judgement } from '../accuracy/judgements.ts';
import { calibrated } from './calibration.ts';
import { byCodePoint, canonicalSupport } from '../task/canonical-support.ts';
import type { LabelledImage } from '../task/canonical-support.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { selectChild } from '../network/child.ts';
import { chosenChild } from './chosen-child.ts';
import type { ChildOptions } from './chosen-child.ts';
import { childFunction, childModel, multiplyAdds, weightCount } from './export-child.ts';
import type { Genotype } from '../search-space/genotype.ts';
import type { Executor } from '../graph/executor.ts';
import { encodeModel } from '../graph/onnx/encode.ts';
import type { Values } from '../graph/programs.ts';
import { adaptedSet } from './mirror-images.ts';
import { calibrateOpenSet, openSetFit } from './open-set.ts';
import type { OpenSet, OpenSetFit } from './open-set.ts';
import { fold, keyFrom, uniform } from '../random.ts';
import { stopwatch } from '../stopwatch.ts';
import { TaskRunner } from '../inner-loop/task-runner.ts';
import type { TaskNetwork } from '../inner-loop/task-runner.ts';
import { adaptationFunction, fitNames, fittedFunction } from '../inner-loop/unrolled-graphs.ts';
import { fitOf, oneHotTargets, sizeKey, supportInputs } from '../task/labelled-set.ts';
import { fitsOneGraph } from '../inner-loop/one-graph.ts';
import type { Fit, LabelledSet, TaskSize } from '../task/labelled-set.ts';

export type { LabelledImage } from '../task/canonical-support.ts';

/** What a task becomes: an architecture, adapted weights as an ONNX file, and what is known of both. */
export interface AdaptedTask {
  /** Sorted by code point: the order of the model's outputs. */
  readonly labels: readonly string[];
  readonly genotype: Genotype;
  /** Whether images are answered together with their mirror images, and a support set of few was adapted to with them. */
  readonly mirrored: boolean;
  /** Weights that were adapted. */
  readonly weights: number;
  /** Of one image. */
  readonly multiplyAdds: number;
  readonly support: { readonly before: Fit; readonly after: Fit };
  readonly model: Uint8Array;
  /** How the model tells images that belong to no class. */
  readonly openSet: OpenSetFit;
  /**
   * On a trunk, what the head of all other images says of every image whose class has another one: true and given class,
   * as positions in `labels`.
   */
  readonly leftOut?: readonly Judgement[];
  /** z_i (Eq. 6). */
  readonly embedding: Float32Array;
  /** Milliseconds by stage. */
  readonly timings: Readonly<Record<string, number>>;
}

/** What an adaptation tells of itself before it has ended. */
export type AdaptationEvent =
  | { readonly kind: 'genotype'; readonly genotype: Genotype }
  /** The support set after `step` inner steps, from 0 on. */
  | ({ readonly kind: 'fit'; readonly step: number } & Fit);

export interface AdaptOptions extends ChildOptions {
  /** Inner steps of Eq. 8. */
  readonly steps: number;
  readonly report?: (event: AdaptationEvent) => void;
}

const runners = new WeakMap<Executor, Map<string, TaskRunner>>();

/** The runner of a checkpoint on an executor: its graphs are kept between tasks. */
export function runnerOf({ id, configuration, genotypes }: Checkpoint, executor: Executor): TaskRunner {
  const own = runners.get(executor) ?? new Map<string, TaskRunner>();
  runners.set(executor, own);
  const key = `${id} ${JSON.stringify(configuration)} ${JSON.stringify(genotypes)}`;
  const runner = own.get(key) ?? new TaskRunner(configuration, executor, genotypes);
  own.set(key, runner);
  return runner;
}

/**
 * The online half of M-NAS: embeds the support set, decodes its architecture, modulates and adapts the weights
 * (Eq. 4-8) and exports the child. The result does not depend on the order of the images; renaming or permuting
 * classes permutes the outputs and changes nothing else.
 */
export async function adaptTask(
  checkpoint: Checkpoint,
  support: readonly LabelledImage[],
  { steps, report, ...asked }: AdaptOptions,
  executor: Executor,
): Promise<AdaptedTask> {
  const clock = stopwatch();
  const { classes, images } = canonicalSupport(support);
  const runner = runnerOf(checkpoint, executor);
  const { configuration, parameters } = checkpoint;
  const given: TaskSize = { way: classes.length, support: images.length };
  const own = labelledSet(images, classes);
  const embedded = await runner.embed(parameters, own, given);
  const { genotype, mirrored } = chosenChild(runner, parameters, embedded, asked);
  const set = adaptedSet(configuration, { support: own, size: given, mirrored });
  const size: TaskSize = { ...given, support: set.count };
  const network = runner.child(genotype);
  clock.lap('embed');
  report?.({ kind: 'genotype', genotype });
  const { weights, statistics, openSet, fits } = await adaptWeights(
    runner,
    network,
    { ...parameters, ...selectChild(network.child!, embedded.modulated) },
    { set, size, steps, onFit: (fit, step) => report?.({ kind: 'fit', step, ...fit }) },
  );
  clock.lap('adapt');
  const labels = [...classes].sort(byCodePoint);
  const child = { genotype, weights: headInOrder(weights, classes, labels), statistics, openSet, mirrored };
  const built = childFunction(checkpoint, child, size.way);
  const model = encodeModel(childModel(checkpoint, child, labels, built));
  clock.lap('export');
  return {
    labels,
    genotype,
    mirrored,
    weights: weightCount(child),
    multiplyAdds: multiplyAdds(built),
    support: { before: fits[0]!, after: fits.at(-1)! },
    model,
    openSet: openSetFit(openSet),
    embedding: embedded.embedding,
    timings: clock.laps,
  };
}

/** A support set and the inner steps that it is adapted by. */
export interface Adaptation {
  readonly set: LabelledSet;
  readonly size: TaskSize;
  readonly steps: number;
  /** told the support set's fit after `step` steps, from 0 on: while the steps are run, where these are many */
  readonly onFit?: (fit: Fit, step: number) => void;
}

/** What Eq. 8 makes of a support set. */
interface Adapted {
  /** By name: the network's, and the head's. */
  readonly weights: Values;
  /** Of the support set, [n, f]. */
  readonly features: Float32Array;
  /** Of every normalisation, `mean.NAME` and `inverse.NAME`. */
  readonly statistics: Values;
  /** Before, between and after the steps. */
  readonly fits: readonly Fit[];
}

/**
 * Eq. 8 from the modulated weights `start`: the adapted weights, their head calibrated, and the support set's fits
 * before, between and after the steps, not calibrated.
 */
export async function adaptWeights(
  runner: TaskRunner,
  network: TaskNetwork,
  start: Values,
  adaptation: Adaptation,
): Promise<Omit<Adapted, 'features'> & { readonly openSet: OpenSet }> {
  const { set, size, steps } = adaptation;
  const way = fitsOneGraph(network.graphs, set.count, steps) ? inOneGraph : stepByStep;
  const { weights, features, statistics, fits } = await way(runner, network, start, adaptation);
  return {
    weights: calibrated(weights, start, size),
    statistics,
    openSet: calibrateOpenSet({
      features,
      labels: labelsOf(set, size.way),
      way: size.way,
      ...(set.mirrored ? { mirrored: true } : {}),
    }),
    fits,
  };
}

/** Eq. 8, all steps in one graph, which computes once what steps on their own compute twice. */
export async function inOneGraph(
  { programs }: TaskRunner,
  { graphs }: TaskNetwork,
  start: Values,
  { set, size, steps, onFit }: Adaptation,
): Promise<Adapted> {
  const results = await programs.run(
    `adaptation ${graphs.key} ${sizeKey(size)} ${steps}`,
    () => adaptationFunction(graphs, size, steps),
    start,
    supportInputs(set),
  );
  const names = Array.from({ length: steps }, (_, k) => fitNames(k));
  const fits = [...names.map((own) => fitOf(results, set, size.way, own)), fitOf(results, set, size.way)];
  fits.forEach((fit, step) => onFit?.(fit, step));
  const adapted = graphs.adapted(size.way).map(({ name }) => name);
  const weights = Object.fromEntries(adapted.map((name) => [name, results[name]!]));
  const others = [...adapted, ...names.flatMap(({ loss, logits }) => [loss, logits])];
  return { weights, fits, ...fittedOf(without(results, others)) };
}

/** Eq. 8, a graph a step: memory does not depend on the number of steps. */
export async function stepByStep(
  runner: TaskRunner,
  network: TaskNetwork,
  start: Values,
  { set, size, steps, onFit }: Adaptation,
): Promise<Adapted> {
  const { graphs } = network;
  const mixes = Object.fromEntries(graphs.mixes.map(({ name }) => [name, start[name]!]));
  const task = { network, mixes, support: set, size };
  const fits: Fit[] = [];
  const note = (fit: Fit): void => {
    onFit?.(fit, fits.length);
    fits.push(fit);
  };
  let weights = await runner.withHead(task, start, start);
  for await (const stepped of runner.innerSteps(task, weights, start, steps)) {
    note(stepped.fit);
    weights = stepped.weights;
  }
  const results = await runner.programs.run(
    `fitted ${graphs.key} ${sizeKey(size)}`,
    () => fittedFunction(graphs, size),
    weights,
    mixes,
    supportInputs(set),
  );
  note(fitOf(results, set, size.way));
  return { weights, fits, ...fittedOf(results) };
}

/** What a last pass over the support set gives beside its loss and logits. */
const fittedOf = (results: Values): Pick<Adapted, 'features' | 'statistics'> => ({
  features: results['features']!,
  statistics: without(results, ['loss', 'logits', 'features']),
});

const without = (values: Values, names: readonly string[]): Values =>
  Object.fromEntries(Object.entries(values).filter(([name]) => !names.includes(name)));

/** The class of every image. */
export const labelsOf = ({ targets, count }: LabelledSet, way: number): number[] =>
  Array.from({ length: count }, (_, i) => targets.subarray(i * way, (i + 1) * way).indexOf(1));

/** The images of a support set in the given order, labelled by their places among `classes`. */
export function labelledSet(images: readonly LabelledImage[], classes: readonly string[]): LabelledSet {
  const index = new Map(classes.map((label, i) => [label, i]));
  const length = images[0]!.pixels.length;
  const pixels = new Float32Array(images.length * length);
  images.forEach((image, i) => pixels.set(image.pixels, i * length));
  return {
    images: pixels,
    targets: oneHotTargets(
      images.map(({ label }) => index.get(label)!),
      classes.length,
    ),
    count: images.length,
  };
}

/** The head's rows in the order of the labels instead of the canonical one. */
export function headInOrder(weights: Values, classes: readonly string[], labels: readonly string[]): Values {
  const [weight, bias] = [weights['head.weight']!, weights['head.bias']!];
  const width = weight.length / classes.length;
  const rows = labels.map((label) => classes.indexOf(label));
  const ordered = new Float32Array(weight.length);
  rows.forEach((row, i) => ordered.set(weight.subarray(row * width, (row + 1) * width), i * width));
  return { ...weights, 'head.weight': ordered, 'head.bias': Float32Array.from(rows, (row) => bias[row]!) };
}

/** A support set of noise, for what only has to run. */
export function noiseSupport(
  { configuration }: Checkpoint,
  { way, shot }: { readonly way: number; readonly shot: number },
): LabelledImage[] {
  const length = 3 * configuration.image.size ** 2;
  return Array.from({ length: way * shot }, (_, i) => ({
    label: String(i % way),
    pixels: Float32Array.from(uniform(fold(keyFrom(0), i), length)),
  }));
}

/**
 * Compiles what a request of `way` classes with `shot` images each will need for one of the checkpoint's
 * architectures, by adapting to noise: the request then compiles nothing.
 */
export async function precompile(
  checkpoint: Checkpoint,
  genotype: Genotype,
  shape: { readonly way: number; readonly shot: number },
  executor: Executor,
): Promise<void> {
  const { steps } = checkpoint.configuration.innerLoop;
  await adaptTask(checkpoint, noiseSupport(checkpoint, shape), { steps, genotype }, executor);
}
