import { genotypeByEvidence } from '../../model/adaptation/evidence.ts';
import { isMirrored } from '../../model/adaptation/mirror-images.ts';
import { viewPlan } from '../../model/adaptation/support-views.ts';
import type { ModelConfiguration, Stage } from '../../model/configuration.ts';
import type { TaskRunner } from '../../model/inner-loop/task-runner.ts';
import type { Embedded } from '../../model/inner-loop/task-runner.ts';
import { startValues } from '../../model/inner-loop/solved-network.ts';
import { solvedAnswer } from '../../model/adaptation/solved-answer.ts';
import { chooseSolved, solvedMetaGradient } from '../../model/meta-gradient/solved-meta-gradient.ts';
import { choiceGradient } from '../../model/meta-gradient/choice-gradient.ts';
import type { MetaGradient, MetaGradientOptions } from '../../model/meta-gradient/meta-gradient.ts';
import { fold, keyFrom } from '../../model/random.ts';
import type { Key } from '../../model/random.ts';
import { accuracyOf, fitOfLogits } from '../../model/task/labelled-set.ts';
import type { Fit } from '../../model/task/labelled-set.ts';
import { firstViews, viewedSize } from '../../model/task/viewed-task.ts';
import type { ViewedImages, ViewedTask } from '../../model/task/viewed-task.ts';
import type { Parameters } from '../../model/layers/parameter-specification.ts';
import { chooseTraining, possibleShape } from '../data/tasks.ts';
import type { ImageMemory, TaskShape } from '../data/tasks.ts';
import type { EvaluationPayload, TaskEvaluation } from './evaluate-task.ts';
import { reliabilityOf } from './reliability.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import { PlaneReader } from '../planes/plane-reader.ts';
import { sampleRows } from '../planes/sample-rows.ts';
import type { SampledRows } from '../planes/sample-rows.ts';

/** Per worker: the opened files. */
const readers = new Map<string, PlaneReader>();

/** The opened file of a domain. */
export function readerOf(domain: PlaneDomain): PlaneReader {
  const known = readers.get(domain.path) ?? new PlaneReader(domain);
  readers.set(domain.path, known);
  return known;
}

/** Crops that a support set of this shape is adapted to, of each image. */
export const cropsOf = (configuration: ModelConfiguration, { way, shot }: TaskShape): number =>
  viewPlan(configuration, { way, support: way * shot }).crops;

/** A training task of any domain and its meta-gradient. */
export async function trunkGradient(
  runner: TaskRunner,
  parameters: Parameters,
  given: {
    readonly key: Key;
    readonly domains: readonly PlaneDomain[];
    readonly weights: readonly number[];
    readonly shape: TaskShape;
    readonly memory: ImageMemory;
  },
  options: MetaGradientOptions,
): Promise<{ readonly domain: string; readonly result: MetaGradient }> {
  const { key, domains, weights, memory } = given;
  const { domain, shape } = chooseTraining(fold(key, 'domain'), domains, weights, given.shape);
  const views = { mirrored: true, crops: cropsOf(runner.configuration, shape), augmented: true };
  const task = sampleRows(fold(key, 'sample'), readerOf(domain), 'train', shape, views, memory);
  const gradient = options.stage === 'choose' ? gradientOfChoice : solvedMetaGradient;
  return { domain: domain.name, result: await gradient(runner, parameters, task, options) };
}

/** The gradient of the controller's choice, of the architectures' answers as they are served. */
async function gradientOfChoice(
  runner: TaskRunner,
  parameters: Parameters,
  task: ViewedTask,
): Promise<MetaGradient> {
  const { support, query, way } = task;
  const size = { way, support: support.count };
  const embedded = await runner.embed(parameters, firstViews(support), size);
  const { steps } = runner.configuration.innerLoop;
  const fits: Fit[] = [];
  for (const genotype of runner.genotypes) {
    const network = runner.solved(genotype);
    const start = startValues(network, parameters, embedded.modulated);
    const { logits } = await solvedAnswer(runner, network, start, task, steps);
    fits.push(fitOfLogits(logits, query, way));
  }
  return choiceGradient(runner, parameters, embedded, fits);
}

/** A task of held-out classes as it is served. */
export interface HeldOut {
  readonly task: SampledRows;
  readonly embedded: Embedded;
  readonly mirrored: boolean;
}

/**
 * Draws a task of held-out classes and embeds it: mirrored where its embedding says so.
 * `foreign`: classes beside those of the shape, of which the task has queries alone; their labels follow. `taught`: with the
 * teacher's features, where no class is foreign.
 */
export async function heldOutTask(
  runner: TaskRunner,
  parameters: Parameters,
  domain: PlaneDomain,
  {
    split,
    shape,
    alphaTemperature,
    foreign = 0,
    taught = false,
  }: Pick<EvaluationPayload, 'split' | 'shape' | 'alphaTemperature'> & {
    readonly foreign?: number;
    readonly taught?: boolean;
  },
  key: Key,
  memory: ImageMemory,
): Promise<HeldOut> {
  const { way } = shape;
  const reader = readerOf(domain);
  const sample = (mirrored: boolean, crops: number): SampledRows => {
    const views = { mirrored, crops, augmented: false, taught };
    const drawn = sampleRows(key, reader, split, { ...shape, way: way + foreign }, views, memory);
    return foreign === 0
      ? drawn
      : { ...drawn, way, support: ofFirstClasses(drawn.support, way, way + foreign) };
  };
  const plain = sample(false, 0);
  const size = { way: plain.way, support: plain.support.count };
  const relaxation = { mask: null, alphaTemperature };
  const embedded = await runner.embed(parameters, firstViews(plain.support), size, relaxation);
  const mirrored = isMirrored(runner.configuration, parameters, embedded.embedding);
  const crops = cropsOf(runner.configuration, shape);
  return { task: mirrored || crops > 0 ? sample(mirrored, crops) : plain, embedded, mirrored };
}

/** The images of the first `way` of `all` classes, with labels among them. */
function ofFirstClasses(
  { images, targets, count, views }: ViewedImages,
  way: number,
  all: number,
): ViewedImages {
  const length = images.length / (count * views);
  const kept = Array.from({ length: count }, (_, i) => i).filter(
    (i) => targets.indexOf(1, i * all) < i * all + way,
  );
  const rows = new Float32Array(kept.length * views * length);
  const labels = new Float32Array(kept.length * way);
  kept.forEach((i, place) => {
    labels.set(targets.subarray(i * all, i * all + way), place * way);
    for (let view = 0; view < views; view++) {
      const from = (view * count + i) * length;
      rows.set(images.subarray(from, from + length), (view * kept.length + place) * length);
    }
  });
  return { images: rows, targets: labels, count: kept.length, views };
}

/** The network that answers a task of a stage, as the service chooses it once children are trained. */
export async function chooseServed(
  runner: TaskRunner,
  parameters: Parameters,
  { task, embedded }: Pick<HeldOut, 'task' | 'embedded'>,
  stage: Stage,
): Promise<ReturnType<typeof chooseSolved>> {
  const chosen = chooseSolved(runner, embedded, stage);
  if (stage !== 'retrain') return chosen;
  const choices = { decoded: chosen.genotype, choices: runner.genotypes };
  const evidence = { set: task.support, size: viewedSize(task) };
  const genotype = await genotypeByEvidence(runner, parameters, embedded, choices, evidence);
  return { network: runner.solved(genotype), mixes: {}, genotype };
}

/** Adapts to one task of kept planes and classifies its queries, as evaluateTask does with pixels. */
export async function evaluateTrunkTask(
  runner: TaskRunner,
  parameters: Parameters,
  domain: PlaneDomain,
  payload: EvaluationPayload,
  memory: ImageMemory,
): Promise<TaskEvaluation> {
  const key = fold(keyFrom(payload.seed), 'evaluation', domain.name, payload.task);
  const drawn = await heldOutTask(runner, parameters, domain, payload, key, memory);
  const { task, embedded, mirrored } = drawn;
  const { way, support, query } = task;
  const { network, mixes, genotype } = await chooseServed(runner, parameters, drawn, payload.stage);
  const start = { ...startValues(network, parameters, embedded.modulated), ...mixes };
  const { steps } = runner.configuration.innerLoop;
  const { logits: served } = await solvedAnswer(runner, network, start, task, steps);
  const right = (logits: Float32Array): number =>
    Math.round(accuracyOf(logits, query.targets, way) * query.count);
  const together = payload.transductive
    ? (await solvedAnswer(runner, network, start, task, steps, 'both')).logits
    : undefined;
  return {
    genotype,
    embedding: embedded.embedding,
    mirrored,
    queries: query.count,
    served: right(served),
    ...(together ? { transductive: right(together) } : {}),
    reliability: reliabilityOf(served, query.targets, way),
    ...(payload.answers
      ? { answers: { size: { way, support: support.count }, logits: served, targets: query.targets } }
      : {}),
  };
}

/** The embedding of one task of kept planes, and the architecture that the controller alone gives it. */
export async function embedTrunkTask(
  runner: TaskRunner,
  parameters: Parameters,
  domain: PlaneDomain,
  {
    key,
    payload,
    memory,
  }: { key: Key; payload: Pick<EvaluationPayload, 'split' | 'shape'>; memory: ImageMemory },
): Promise<Embedded> {
  const shape = possibleShape(domain, payload.split, payload.shape);
  const plan = { mirrored: false, crops: 0, augmented: false };
  const { way, support } = sampleRows(key, readerOf(domain), payload.split, shape, plan, memory);
  return runner.embed(parameters, support, { way, support: support.count });
}
