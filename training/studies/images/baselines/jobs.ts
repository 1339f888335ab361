import type { JobContext, JobTable } from '../../../../engine/jobs.ts';
import { TaskRunner } from '../../../../model/inner-loop/task-runner.ts';
import { genotypeKey } from '../../../../model/search-space/genotype.ts';
import type { Genotype } from '../../../../model/search-space/genotype.ts';
import { temperatureOf } from '../../../../model/adaptation/calibration.ts';
import { fold, keyFrom } from '../../../../model/random.ts';
import type { ImageDomain } from '../../../data/domain.ts';
import { metaTaskOf } from '../../../data/sampled-task.ts';
import { TaskMemory } from '../../../data/task-memory.ts';
import { chooseTraining, sampleTask } from '../../../data/tasks.ts';
import { evaluatedTask, judged } from '../../../evaluation/evaluate-task.ts';
import { allFinite, taskKey, taskShape } from '../../../outer-loop/gradient-job.ts';
import type { TrainingJobs } from '../../../outer-loop/training-jobs.ts';
import { LocalCopy, ParameterLayout } from '../../../run/parameter-vector.ts';
import { isAutoMeta } from '../configuration.ts';
import type { BaselineConfiguration } from '../configuration.ts';
import { ReptileSystem } from './auto-meta/reptile.ts';
import { MethodSystem } from './system.ts';
import type { BaselineSystem } from './system.ts';
import { baselineSpecifications, isGraphMethod, methodOf, trainedShape } from './table.ts';

/** What every worker of a run is given once. */
export interface BaselineWorkerData {
  readonly configuration: BaselineConfiguration;
  /** Decoded, in the order of the configuration. */
  readonly domains: readonly ImageDomain[];
  /** Θ on shared memory, rewritten by the trainer between jobs. */
  readonly parameters: Float32Array;
  /** On shared memory, one a task of a meta-batch: where its gradient is written. */
  readonly gradients: readonly Float32Array[];
}

/** What the workers compute of the Θ that they read. */
export type BaselineJobs = Pick<TrainingJobs, 'gradient' | 'evaluate'>;

/** The last one, with the key of its architecture. */
let kept: { readonly key: string; readonly system: BaselineSystem } | undefined;
let layout: ParameterLayout | undefined;
const local = new LocalCopy();
const memory = new TaskMemory();

function systemOf(
  { executor, workerData: { configuration } }: JobContext<BaselineWorkerData>,
  genotypes: readonly Genotype[],
): BaselineSystem {
  const key = genotypes.map(genotypeKey).join();
  if (kept?.key === key) return kept.system;
  const { model } = configuration;
  const build = (): BaselineSystem => {
    if (isGraphMethod(configuration)) return new MethodSystem(methodOf(configuration), model, executor);
    if (!isAutoMeta(configuration)) throw new TypeError(`${configuration.name} has no system`);
    return new ReptileSystem(model, configuration.method, new TaskRunner(model, executor), genotypes[0]!);
  };
  const system = build();
  kept = { key, system };
  return system;
}

const layoutOf = ({ configuration }: BaselineWorkerData): ParameterLayout =>
  (layout ??= new ParameterLayout(baselineSpecifications(configuration)));

/** The job module of the workers that train and evaluate a baseline: on the tasks of all other rows. */
export const jobs: JobTable<BaselineJobs, BaselineWorkerData> = {
  gradient: async ({ iteration, task: position, stage, genotypes }, context) => {
    const { configuration, domains, parameters, gradients } = context.workerData;
    const { seed } = configuration;
    const key = taskKey(seed, iteration, position);
    memory.reset();
    const weights = configuration.domains.map(({ weight }) => weight);
    const drawn = trainedShape(configuration, taskShape(seed, iteration, position, stage));
    const { domain, shape } = chooseTraining(fold(key, 'domain'), domains, weights, drawn);
    const { augmentation } = configuration.domains[domains.indexOf(domain)]!;
    const task = metaTaskOf(sampleTask(fold(key, 'sample'), domain, 'train', shape, augmentation, memory));
    const own = layoutOf(context.workerData);
    const result = await systemOf(context, genotypes).gradient(local.of(parameters, own), task, key);
    const gradient = own.pack(result.gradients, gradients[position]);
    return {
      domain: domain.name,
      ...result.query,
      finite: allFinite(gradient),
      supportBefore: null,
      supportAfter: null,
      reconstruction: 0,
      genotype: genotypes[0] ? genotypeKey(genotypes[0]) : null,
    };
  },

  evaluate: async (request, context) => {
    const { domains, parameters } = context.workerData;
    const domain = domains.find(({ name }) => name === request.domain);
    if (!domain) throw new Error(`no domain ${request.domain}`);
    const drawn = evaluatedTask(domain, request);
    const task = metaTaskOf(drawn);
    const theta = local.of(parameters, layoutOf(context.workerData));
    const key = fold(keyFrom(request.seed), 'answers', request.domain, request.task);
    const answered = await systemOf(context, request.genotypes).answers(
      theta,
      task,
      key,
      request.transductive,
    );
    const { served, embedding = new Float32Array(), ...more } = answered;
    const temperature = temperatureOf(theta, task.size);
    const calibrated = { ...more, served: served.map((logit) => logit / temperature) };
    const [genotype = null] = request.genotypes;
    return { genotype, embedding, mirrored: false, ...judged(drawn, task.size, calibrated, request) };
  },
};
