import type { Job, JobTable } from '../../engine/jobs.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import { Programs } from '../../model/graph/programs.ts';
import { fold, keyFrom } from '../../model/random.ts';
import { selectChild } from '../../model/network/child.ts';
import { parseGenotypeKey } from '../../model/search-space/genotype.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import { PlaneReader } from '../planes/plane-reader.ts';
import { LocalCopy } from '../run/parameter-vector.ts';
import { trainingClasses } from './draw-batch.ts';
import type { TrainingClasses } from './draw-batch.ts';
import { readBatch } from './read-batch.ts';
import { classifiedWeights, classifierSpecifications, classifyFunction } from './classify-graph.ts';
import { classifyLayout, segmentsOf } from './layout.ts';
import type { ClassifyConfiguration } from './configuration.ts';

/** What every worker is given once. */
export interface ClassifyWorkerData {
  readonly model: ModelConfiguration;
  readonly classify: ClassifyConfiguration['classify'];
  readonly domains: readonly PlaneDomain[];
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

interface Prepared {
  readonly readers: readonly PlaneReader[];
  readonly classes: TrainingClasses;
}

/** Kept between jobs. */
let prepared: Prepared | undefined;
const local = new LocalCopy();

const prepare = ({ domains }: ClassifyWorkerData): Prepared => ({
  readers: domains.map((domain) => new PlaneReader(domain)),
  classes: trainingClasses(domains),
});

/** Gradients and statistics of one half of a step, written to shared memory. */
const classifyJob: Job = async (payload, context) => {
  const { iteration, half, architecture } = payload as ClassifyPayload;
  const data = context.workerData as ClassifyWorkerData;
  const { model, classify, seed } = data;
  const { readers, classes } = (prepared ??= prepare(data));
  const { planes, targets, teacher } = readBatch(
    fold(keyFrom(seed), 'classify', iteration, half),
    classes,
    readers,
    { size: classify.batch / 2, mixup: classify.mixup, smoothing: classify.labelSmoothing },
  );
  const genotype = parseGenotypeKey(architecture);
  const shape = {
    images: classify.batch / 2,
    classes: classes.count,
    teacher: readers[0]!.teacherLength,
    distillation: classify.distillation,
  };
  const layout = classifyLayout(model, shape);
  const all = local.of(data.parameters, layout);
  const weights = classifiedWeights(model, genotype);
  const own = classifierSpecifications(model, shape).map(({ name }) => [name, all[name]!] as const);
  const results = await new Programs(context.executor, `classify ${JSON.stringify(model)}`).run(
    architecture,
    () => classifyFunction(model, genotype, shape),
    { ...selectChild(weights, all), ...Object.fromEntries(own) },
    { images: planes, targets, 'teacher.features': teacher },
  );
  const into = data.halves[half]!;
  for (const { name, start, size } of segmentsOf(model, genotype, layout))
    into.set(results[name]!.subarray(0, size), start);
  return { loss: results['loss']![0]!, teaching: results['teaching']![0]! } satisfies ClassifyResult;
};

export const jobs: JobTable = { classify: classifyJob };
