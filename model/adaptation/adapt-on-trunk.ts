import { calibrated } from './calibration.ts';
import { headInOrder, labelsOf, runnerOf } from './adapt-task.ts';
import type { AdaptedTask, AdaptOptions } from './adapt-task.ts';
import { isStatistic } from './child-cells.ts';
import type { AdaptedChild } from './child-cells.ts';
import { choicesOf, chosenChild, mayMirror } from './chosen-child.ts';
import { genotypeByEvidence } from './evidence.ts';
import { imagesLeftOut } from './left-out.ts';
import { exportTrunkChild } from './export-trunk-child.ts';
import type { ExportedOnTrunk, TrunkGraph } from './export-trunk-child.ts';
import { calibrateOpenSet, openSetFit } from './open-set.ts';
import { roundedKernels } from './solved-answer.ts';
import { reorder, rowsOfView, taken, viewsNeeded } from './support-rows.ts';
import type { ViewRows } from './support-rows.ts';
import { viewPlan, viewsTaken, wholeView } from './support-views.ts';
import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import type { Executor } from '../graph/executor.ts';
import type { Values } from '../graph/programs.ts';
import { startValues } from '../inner-loop/solved-network.ts';
import type { SolvedNetwork } from '../inner-loop/solved-network.ts';
import { solvedFit, solvedSteps } from '../inner-loop/solved-steps.ts';
import type { SolvedAdaptation } from '../inner-loop/solved-steps.ts';
import type { TaskRunner } from '../inner-loop/task-runner.ts';
import type { Judgement } from '../accuracy/judgements.ts';
import { bestOf } from '../accuracy/ranking.ts';
import { keyFrom, normal } from '../random.ts';
import { rowLength } from '../search-space/taps.ts';
import type { Genotype } from '../search-space/genotype.ts';
import { stopwatch } from '../stopwatch.ts';
import { byCodePoint, canonicalSupport } from '../task/canonical-support.ts';
import { fitOf, oneHotTargets } from '../task/labelled-set.ts';
import type { Fit, LabelledSet, TaskSize } from '../task/labelled-set.ts';

/** A support set whose images are known by what the trunk makes of them. */
export interface TrunkSupport {
  /** The class of every image. */
  readonly labels: readonly string[];
  /**
   * The rows of planes of `viewsNeeded` of the images, in the order of the labels. They are taken over: an adaptation puts
   * them in another order where they lie, since those of a large support set are the most that it holds.
   */
  readonly rows: ViewRows;
}

/** A task's network before it is a file. */
export interface AdaptedOnTrunk extends Omit<AdaptedTask, 'model' | 'multiplyAdds' | 'weights' | 'openSet'> {
  readonly child: AdaptedChild;
  readonly leftOut: readonly Judgement[];
}

export interface TrunkOptions extends AdaptOptions {
  /** A graph a step, however few there are: for executors that compile slowly and keep little. */
  readonly stepwise?: boolean;
}

/**
 * The online half of M-NAS on a trunk, up to the file: embeds the whole images, decodes the architecture, unless the
 * support set speaks for another (genotypeByEvidence), modulates and adapts its weights on all views, and solves the head. Kernels of convolutions are rounded to float16 before the head is
 * solved, so that a file of half the bytes holds the same numbers. The result does not depend on the order of the images;
 * renaming or permuting classes permutes the outputs and changes nothing else.
 */
export async function adaptChildOnTrunk(
  checkpoint: Checkpoint,
  support: TrunkSupport,
  { steps, stepwise, report, ...asked }: TrunkOptions,
  executor: Executor,
): Promise<AdaptedOnTrunk> {
  const clock = stopwatch();
  const runner = runnerOf(checkpoint, executor);
  const { configuration, parameters } = checkpoint;
  const { classes, places, set: whole } = inCanonicalOrder(support);
  const way = classes.length;
  const seen: TaskSize = { way, support: whole.count };
  const embedded = await runner.embed(parameters, whole, seen);
  const decoded = chosenChild(runner, parameters, embedded, asked);
  const plan = viewPlan(configuration, seen);
  const all = viewsTaken(plan, decoded.mirrored);
  const looked = taken(support.rows, all);
  const genotype = await genotypeByEvidence(
    runner,
    parameters,
    embedded,
    { decoded: decoded.genotype, choices: choicesOf(runner, asked) },
    { set: { ...whole, images: looked }, size: { ...seen, views: all.length } },
  );
  const mirrored = decoded.mirrored && mayMirror(genotype, asked);
  const network = runner.solved(genotype);
  clock.lap('embed');
  report?.({ kind: 'genotype', genotype });
  const views = viewsTaken(plan, mirrored);
  const set = { ...whole, images: taken({ views: all, all: looked }, views) };
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
  const statistics = Object.fromEntries(Object.entries(fitted).filter(([name]) => isStatistic(name)));
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
  return {
    ...task,
    weights,
    multiplyAdds,
    model,
    openSet: openSetFit(child.openSet),
    timings: { ...task.timings, ...clock.laps },
  };
}

/**
 * Puts the support set in canonical order; its whole images, and the classes in their order. `places` says where each
 * image stood in what was given.
 */
function inCanonicalOrder({ labels, rows }: TrunkSupport): {
  readonly classes: readonly string[];
  readonly places: readonly number[];
  readonly set: LabelledSet;
} {
  const whole = rowsOfView(rows, wholeView);
  const length = whole.length / labels.length;
  const { classes, images } = canonicalSupport(
    labels.map((label, place) => ({
      label,
      place,
      pixels: whole.subarray(place * length, (place + 1) * length),
    })),
  );
  const places = images.map(({ place }) => place);
  reorder(rows, places);
  const index = images.map(({ label }) => classes.indexOf(label));
  const targets = oneHotTargets(index, classes.length);
  return { classes, places, set: { images: whole, targets, count: labels.length } };
}

/** Eq. 8 and the head of what it leads to: the adapted weights, what `SolvedGraphs.fitted` tells of them, and all fits. */
async function adapted(
  runner: TaskRunner,
  network: SolvedNetwork,
  start: Values,
  adaptation: SolvedAdaptation,
): Promise<{ weights: Values; fitted: Values; fits: readonly Fit[] }> {
  const { set, size, steps, onFit } = adaptation;
  const stepped = await solvedSteps(runner, network, start, adaptation);
  const weights = roundedKernels(stepped.weights);
  const fitted = await solvedFit(runner, network, start, adaptation, weights);
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
  // of one image a class views were judged, and none is left out
  return imagesLeftOut(own).map((i) => {
    const given = bestOf(logits.subarray(i * way, (i + 1) * way));
    return { truth: positions[own[i]!]!, given: positions[given]!, place: places[i]! };
  });
}

/** Rows of noise: a support set for what only has to run. */
export function noiseTrunkSupport(
  { configuration }: Checkpoint,
  { way, shot }: { readonly way: number; readonly shot: number },
): TrunkSupport {
  const support = way * shot;
  const views = viewsNeeded(viewPlan(configuration, { way, support }));
  const length = views.length * support * rowLength(configuration.trunk!.taps);
  return {
    labels: Array.from({ length: support }, (_, i) => String(i % way)),
    rows: { views, all: Float32Array.from(normal(keyFrom(0), length)) },
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
  for (const mirrored of checkpoint.configuration.mirroring ? [true, false] : [false]) {
    const support = noiseTrunkSupport(checkpoint, shape);
    await adaptChildOnTrunk(checkpoint, support, { steps, genotype, mirrored }, executor);
  }
}
