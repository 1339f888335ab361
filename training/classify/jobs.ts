import type { JobTable } from '../../engine/jobs.ts';
import type { Executor } from '../../model/graph/executor.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import { Programs } from '../../model/graph/programs.ts';
import { fold, keyFrom } from '../../model/random.ts';
import { selectChild } from '../../model/network/child.ts';
import type { ChildWeight } from '../../model/network/child.ts';
import { parseGenotypeKey } from '../../model/search-space/genotype.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import { LocalCopy } from '../run/parameter-vector.ts';
import type { ParameterLayout } from '../run/parameter-vector.ts';
import { trainingClasses } from './draw-batch.ts';
import type { TrainingClasses } from './draw-batch.ts';
import { readBatch } from './read-batch.ts';
import { classifiedWeights, classifyFunction, sharedWeights } from './classify-graph.ts';
import type { ClassifyShape } from './classify-graph.ts';
import { classifyLayout, segmentsOf } from './layout.ts';
import { sampleReader } from './samples.ts';
import type { ClassifiedDomain, SampleReader } from './samples.ts';
import type { StemChannels } from './stem.ts';
import type { Segment } from './layout.ts';
import type { ClassifyConfiguration } from './configuration.ts';

/** What every worker is given once. */
export interface ClassifyWorkerData {
  readonly model: ModelConfiguration;
  readonly classify: ClassifyConfiguration['classify'];
  /** Channels of the stem that is trained, if one is. */
  readonly stem: StemChannels | undefined;
  readonly domains: readonly ClassifiedDomain[];
  /** With which the domains are drawn (see trainingClasses). */
  readonly weights: readonly number[];
  readonly seed: number;
  /** All weights on shared memory, rewritten by the trainer between steps. */
  readonly parameters: Float32Array;
  /** On shared memory, one a half: where gradients and statistics are written. */
  readonly halves: readonly Float32Array[];
}

export interface ClassifyPayload {
  readonly iteration: number;
  readonly half: number;
  /** Key of the genotype that is trained. */
  readonly architecture: string;
}

export interface ClassifyResult {
  readonly loss: number;
  readonly teaching: number;
}

/** The jobs of the stage's workers. */
export interface ClassifyJobs {
  /** Gradients and statistics of one half of a step, written to shared memory. */
  classify(payload: ClassifyPayload): ClassifyResult;
}

/** What a child's steps read and write of the vectors. */
interface Child {
  readonly genotype: Genotype;
  readonly weights: readonly ChildWeight[];
  readonly segments: readonly Segment[];
}

/** What does not change from step to step. */
interface Prepared {
  readonly readers: readonly SampleReader[];
  readonly classes: TrainingClasses;
  readonly shape: ClassifyShape;
  readonly layout: ParameterLayout;
  /** Names of the parameters that all children share. */
  readonly shared: readonly string[];
  readonly children: ReadonlyMap<string, Child>;
  readonly programs: Programs;
}

/** Kept between jobs. */
let prepared: Prepared | undefined;
const local = new LocalCopy();

function prepare(
  { model, classify, stem, domains, weights }: ClassifyWorkerData,
  executor: Executor,
): Prepared {
  const readers = domains.map(sampleReader);
  const classes = trainingClasses(domains, weights);
  const shape = {
    images: classify.batch / 2,
    classes: classes.count,
    teacher: readers[0]!.teacherLength,
    distillation: classify.distillation,
    stem,
  };
  const layout = classifyLayout(model, shape);
  const children = classify.architectures.map((key) => {
    const genotype = parseGenotypeKey(key);
    const weights = classifiedWeights(model, genotype);
    return [key, { genotype, weights, segments: segmentsOf(model, genotype, layout) }] as const;
  });
  return {
    readers,
    classes,
    shape,
    layout,
    shared: sharedWeights(model, shape).map(({ name }) => name),
    children: new Map(children),
    programs: new Programs(executor, 'classify'),
  };
}

/** The job module of the workers of the stage. */
export const jobs: JobTable<ClassifyJobs, ClassifyWorkerData> = {
  classify: async ({ iteration, half, architecture }, { executor, workerData: data }) => {
    const { readers, classes, shape, layout, shared, children, programs } = (prepared ??= prepare(
      data,
      executor,
    ));
    const { mixup, labelSmoothing: smoothing } = data.classify;
    const { images, targets, teacher } = readBatch(
      fold(keyFrom(data.seed), 'classify', iteration, half),
      classes,
      readers,
      { size: shape.images, mixup, smoothing },
    );
    const { genotype, weights, segments } = children.get(architecture)!;
    const all = local.of(data.parameters, layout);
    const results = await programs.run(
      architecture,
      () => classifyFunction(data.model, genotype, shape),
      { ...selectChild(weights, all), ...Object.fromEntries(shared.map((name) => [name, all[name]!])) },
      { images, targets, ...(shape.teacher === 0 ? {} : { 'teacher.features': teacher }) },
    );
    const into = data.halves[half]!;
    for (const { name, start, size } of segments) into.set(results[name]!.subarray(0, size), start);
    return { loss: results['loss']![0]!, teaching: results['teaching']![0]! };
  },
};
