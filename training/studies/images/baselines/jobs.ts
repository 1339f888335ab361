import type { JobContext, JobTable } from '../../../../engine/jobs.ts';
import { temperatureOf } from '../../../../model/adaptation/calibration.ts';
import { fold, keyFrom } from '../../../../model/random.ts';
import type { ImageDomain } from '../../../data/domain.ts';
import { metaTaskOf } from '../../../data/sampled-task.ts';
import { TaskMemory } from '../../../data/task-memory.ts';
import { chooseTraining, sampleTask } from '../../../data/tasks.ts';
import { evaluatedTask, judged } from '../../../evaluation/evaluate-task.ts';
import { taskKey, taskShape } from '../../../outer-loop/gradient-job.ts';
import type { TrainingJobs } from '../../../outer-loop/training-jobs.ts';
import { LocalCopy, ParameterLayout } from '../../../run/parameter-vector.ts';
import type { BaselineConfiguration } from '../configuration.ts';
import { MethodSystem } from './system.ts';
import type { BaselineSystem } from './system.ts';
import { baselineSpecifications, methodOf } from './table.ts';

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

let system: BaselineSystem | undefined;
let layout: ParameterLayout | undefined;
const local = new LocalCopy();
const memory = new TaskMemory();

const systemOf = ({ executor, workerData }: JobContext<BaselineWorkerData>): BaselineSystem => {
  const { configuration } = workerData;
  return (system ??= new MethodSystem(methodOf(configuration), configuration.model, executor));
};

const layoutOf = ({ configuration }: BaselineWorkerData): ParameterLayout =>
  (layout ??= new ParameterLayout(baselineSpecifications(configuration)));

/** The job module of the workers that train and evaluate a baseline: on the tasks of all other rows. */
export const jobs: JobTable<BaselineJobs, BaselineWorkerData> = {
  gradient: async ({ iteration, task: position, stage }, context) => {
    const { configuration, domains, parameters, gradients } = context.workerData;
    const { seed } = configuration;
    const key = taskKey(seed, iteration, position);
    memory.reset();
    const weights = configuration.domains.map(({ weight }) => weight);
    const drawn = taskShape(seed, iteration, position, stage);
    const { domain, shape } = chooseTraining(fold(key, 'domain'), domains, weights, drawn);
    const { augmentation } = configuration.domains[domains.indexOf(domain)]!;
    const task = metaTaskOf(sampleTask(fold(key, 'sample'), domain, 'train', shape, augmentation, memory));
    const own = layoutOf(context.workerData);
    const result = await systemOf(context).gradient(local.of(parameters, own), task, key);
    own.pack(result.gradients, gradients[position]);
    return {
      domain: domain.name,
      ...result.query,
      supportBefore: null,
      supportAfter: null,
      reconstruction: 0,
      genotype: null,
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
    const answered = await systemOf(context).answers(theta, task, key, request.transductive);
    const { served, embedding = new Float32Array(), ...more } = answered;
    const temperature = temperatureOf(theta, task.size);
    const calibrated = { ...more, served: served.map((logit) => logit / temperature) };
    return { genotype: null, embedding, mirrored: false, ...judged(drawn, task.size, calibrated, request) };
  },
};
