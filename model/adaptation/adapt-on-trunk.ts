import { calibrated } from './calibration.ts';
import { headInOrder, labelsOf, runnerOf } from './adapt-task.ts';
import type { AdaptedTask, AdaptOptions } from './adapt-task.ts';
import type { AdaptedChild } from './child-cells.ts';
import { exportTrunkChild } from './export-trunk-child.ts';
import type { ExportedOnTrunk, TrunkGraph } from './export-trunk-child.ts';
import { isMirrored } from './mirror-images.ts';
import { calibrateOpenSet } from './open-set.ts';
import { roundedKernels } from './solved-answer.ts';
import { viewPlan, viewsTaken, wholeView } from './support-views.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { Executor } from '../graph/executor.ts';
import type { Values } from '../graph/programs.ts';
import { startValues } from '../inner-loop/solved-network.ts';
import type { SolvedNetwork } from '../inner-loop/solved-network.ts';
import { solvedSteps } from '../inner-loop/solved-steps.ts';
import type { SolvedAdaptation } from '../inner-loop/solved-steps.ts';
import type { TaskRunner } from '../inner-loop/task-runner.ts';
import type { Judgement } from '../accuracy/judgements.ts';
import { bestOf } from '../accuracy/ranking.ts';
import { fold, keyFrom, normal } from '../random.ts';
import { rowLength } from '../search-space/taps.ts';
import type { Genotype } from '../search-space/genotype.ts';
import { stopwatch } from '../stopwatch.ts';
import { byCodePoint, canonicalSupport } from '../task/canonical-support.ts';
import { fitOf, oneHotTargets, sizeKey, supportInputs } from '../task/labelled-set.ts';
import type { Fit, LabelledSet, TaskSize } from '../task/labelled-set.ts';

/** A support set whose images are known by what the trunk makes of them. */
export interface TrunkSupport {
  /** The class of every image. */
  readonly labels: readonly string[];
  /**
   * The rows of planes [images, P] of one view of every image, in the order of the labels. Views are numbered as
   * `servedViews` numbers them where the mirror image is one: 0 the whole, 1 its mirror image, 2 the first crop.
   */
  readonly rows: (view: number) => Float32Array | Promise<Float32Array>;
}

/** A task's network before it is a file. */
export interface AdaptedOnTrunk extends Omit<AdaptedTask, 'model' | 'multiplyAdds' | 'weights' | 'openSet'> {
  readonly child: AdaptedChild;
  readonly leftOut: readonly Judgement[];
}

export interface TrunkOptions extends AdaptOptions {
  /** Instead of what the embedding says. */
  readonly mirrored?: boolean;
  /** A graph a step, however few there are: for executors that compile slowly and keep little. */
  readonly stepwise?: boolean;
}

/**
 * The online half of M-NAS on a trunk, up to the file: embeds the whole images, decodes the architecture, modulates and
 * adapts its weights on all views, and solves the head. Kernels of convolutions are rounded to float16 before the head is
 * solved, so that a file of half the bytes holds the same numbers. The result does not depend on the order of the images;
 * renaming or permuting classes permutes the outputs and changes nothing else.
 */
export async function adaptChildOnTrunk(
  checkpoint: Checkpoint,
  support: TrunkSupport,
  { steps, genotype: forced, mirrored: asked, stepwise, report }: TrunkOptions,
  executor: Executor,
): Promise<AdaptedOnTrunk> {
  const clock = stopwatch();
  const runner = runnerOf(checkpoint, executor);
  const { configuration, parameters } = checkpoint;
  const { classes, places, set: whole } = await inCanonicalOrder(support);
  const way = classes.length;
  const seen: TaskSize = { way, support: whole.count };
  const embedded = await runner.embed(parameters, whole, seen);
  const mirrored = asked ?? isMirrored(configuration, parameters, embedded.embedding);
  const genotype = forced ?? runner.decode(embedded.architecture);
  const network = runner.solved(genotype);
  clock.lap('embed');
  report?.({ kind: 'genotype', genotype });
  const views = viewsTaken(viewPlan(configuration, seen), mirrored);
  const set = { ...whole, images: await viewRows(support, places, views) };
  const size = { ...seen, views: views.length };
  const start = startValues(network, parameters, embedded.modulated);
  const { weights, fitted, fits } = await adapted(runner, network, start, {
    set,
    size,
    steps,
    stepwise,
    onFit: (fit, step) => report?.({ kind: 'fit', step, ...fit }),
  });
  const features = fitted['features']!;
  const openSet = calibrateOpenSet({ features, labels: labelsOf(set, way), way });
  const labels = [...classes].sort(byCodePoint);
  const head = { 'head.weight': fitted['head.weight']!, 'head.bias': fitted['head.bias']! };
  const answering = headInOrder(calibrated({ ...weights, ...head }, parameters, seen), classes, labels);
  const statistics = Object.fromEntries(
    Object.entries(fitted).filter(([name]) => /^(mean|inverse|center)\./.test(name)),
  );
  clock.lap('adapt');
  return {
    labels,
    genotype,
    mirrored,
    child: { genotype, weights: answering, statistics, openSet, mirrored },
    support: { before: fits[0]!, after: fits.at(-1)! },
    leftOut: judgementsOf(
      fitted['logits']!,
      set,
      classes.map((label) => labels.indexOf(label)),
      places,
    ),
    embedding: embedded.embedding,
    timings: clock.laps,
  };
}

/** The task of a support set on a trunk: `adaptChildOnTrunk`, and the file with the trunk in it. */
export async function adaptOnTrunk(
  checkpoint: Checkpoint,
  trunk: TrunkGraph,
  support: TrunkSupport,
  options: TrunkOptions,
  executor: Executor,
): Promise<AdaptedTask & Pick<ExportedOnTrunk, 'model'>> {
  const { child, ...task } = await adaptChildOnTrunk(checkpoint, support, options, executor);
  const clock = stopwatch();
  const { model, weights, multiplyAdds } = exportTrunkChild(checkpoint, trunk, child, task.labels);
  clock.lap('export');
  const { midpoint, slope, threshold, leftOut } = child.openSet;
  return {
    ...task,
    weights,
    multiplyAdds,
    model,
    openSet: { midpoint, slope, threshold, leftOut },
    timings: { ...task.timings, ...clock.laps },
  };
}

/** The support set's whole images in canonical order; `places` says where each stands in what was given. */
async function inCanonicalOrder({ labels, rows }: TrunkSupport): Promise<{
  readonly classes: readonly string[];
  readonly places: readonly number[];
  readonly set: LabelledSet;
}> {
  const all = await rows(wholeView);
  const length = all.length / labels.length;
  const { classes, images } = canonicalSupport(
    labels.map((label, place) => ({
      label,
      place,
      pixels: all.subarray(place * length, (place + 1) * length),
    })),
  );
  const places = images.map(({ place }) => place);
  const index = images.map(({ label }) => classes.indexOf(label));
  const targets = oneHotTargets(index, classes.length);
  return { classes, places, set: { images: picked(all, places), targets, count: labels.length } };
}

/** The rows of the images at the places, in their order. */
function picked(all: Float32Array, places: readonly number[]): Float32Array {
  const length = all.length / places.length;
  const rows = new Float32Array(all.length);
  places.forEach((place, i) => rows.set(all.subarray(place * length, (place + 1) * length), i * length));
  return rows;
}

/** Rows of the views, one view of all images after the other. */
async function viewRows(
  { rows }: TrunkSupport,
  places: readonly number[],
  views: readonly number[],
): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for (const view of views) parts.push(picked(await rows(view), places));
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  parts.forEach((part, i) => all.set(part, i * part.length));
  return all;
}

/** Eq. 8 and the head of what it leads to: the adapted weights, what `SolvedGraphs.fitted` tells of them, and all fits. */
async function adapted(
  runner: TaskRunner,
  network: SolvedNetwork,
  start: Values,
  adaptation: SolvedAdaptation,
): Promise<{ weights: Values; fitted: Values; fits: readonly Fit[] }> {
  const { graphs } = network;
  const { set, size, steps, onFit } = adaptation;
  const stepped = await solvedSteps(runner, network, start, adaptation);
  const weights = roundedKernels(stepped.weights);
  const fitted = await runner.programs.run(
    `fitted ${graphs.key} ${sizeKey(size)}`,
    () => graphs.fitted(size),
    start,
    weights,
    supportInputs(set),
  );
  const last = fitOf(fitted, set, size.way);
  onFit?.(last, steps);
  return { weights, fitted, fits: [...stepped.fits, last] };
}

/**
 * True and given class of every image whose class has another one, by logits of heads without it.
 * @param positions of the classes among the labels
 * @param places of the images in what was given
 */
function judgementsOf(
  logits: Float32Array,
  set: LabelledSet,
  positions: readonly number[],
  places: readonly number[],
): Judgement[] {
  const way = positions.length;
  const own = labelsOf(set, way);
  if (set.count === way) return []; // one image a class: their views were judged
  return own.flatMap((truth, i) => {
    if (own.filter((other) => other === truth).length === 1) return [];
    const given = bestOf(logits.subarray(i * way, (i + 1) * way));
    return [{ truth: positions[truth]!, given: positions[given]!, place: places[i]! }];
  });
}

/** Rows of noise: a support set for what only has to run. */
export function noiseTrunkSupport(
  { configuration }: Checkpoint,
  { way, shot }: { readonly way: number; readonly shot: number },
): TrunkSupport {
  const length = way * shot * rowLength(configuration.trunk!.taps);
  return {
    labels: Array.from({ length: way * shot }, (_, i) => String(i % way)),
    rows: (view) => Float32Array.from(normal(fold(keyFrom(0), view), length)),
  };
}

/** `precompile` of adapt-task.ts on a trunk: with mirror images and without. */
export async function precompileOnTrunk(
  checkpoint: Checkpoint,
  genotype: Genotype,
  shape: { readonly way: number; readonly shot: number },
  executor: Executor,
): Promise<void> {
  const { steps } = checkpoint.configuration.innerLoop;
  const support = noiseTrunkSupport(checkpoint, shape);
  for (const mirrored of checkpoint.configuration.mirroring ? [true, false] : [false])
    await adaptChildOnTrunk(checkpoint, support, { steps, genotype, mirrored }, executor);
}
