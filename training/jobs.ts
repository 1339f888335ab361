import type { JobContext, JobTable } from '../engine/jobs.ts';
import { TaskRunner } from '../model/inner-loop/task-runner.ts';
import type { Embedded } from '../model/inner-loop/task-runner.ts';
import type { Parameters } from '../model/layers/parameter-specification.ts';
import { fold, keyFrom } from '../model/random.ts';
import type { Genotype } from '../model/search-space/genotype.ts';
import { metaTaskOf } from './data/sampled-task.ts';
import { possibleShape, sampleTask } from './data/tasks.ts';
import type { ImageMemory } from './data/tasks.ts';
import { evaluateOpenSet, evaluateTrunkOpenSet } from './evaluation/evaluate-open-set.ts';
import type { EvaluationPayload } from './evaluation/evaluate-task.ts';
import { evaluateTask } from './evaluation/evaluate-task.ts';
import { stageRows } from './evaluation/stage-rows.ts';
import { gradientJob } from './outer-loop/gradient-job.ts';
import type { TrainingJobs } from './outer-loop/training-jobs.ts';
import { embedTrunkTask, evaluateTrunkTask } from './evaluation/trunk-tasks.ts';
import type { PlaneDomain } from './planes/plane-domain.ts';
import { domainNamed, memory, parametersOf, runnerOf } from './worker/worker-state.ts';
import type { TrainingWorkerData } from './worker/worker-state.ts';

/** The job module of the workers that train and evaluate. */
export const jobs: JobTable<TrainingJobs, TrainingWorkerData> = {
  gradient: gradientJob,

  evaluate: async (request, context) => {
    const { workerData: data } = context;
    if (data.planes) return onPlanes(evaluateTrunkTask, request, context);
    const runner = runnerOf(context, data.model, request.genotypes);
    return evaluateTask(runner, parametersOf(data), domainNamed(data.domains, request.domain), request);
  },

  stages: (request, context) => onPlanes(stageRows, request, context),

  genotype: async (request, { executor, workerData: data }) => {
    const runner = new TaskRunner(data.model, executor);
    const embedded = await embedTask(runner, data, request);
    const { architecture, embedding } = embedded;
    return { architecture: architecture!, genotype: runner.decode(embedded), embedding };
  },

  openSet: async (request, context) => {
    const { workerData: data } = context;
    if (data.planes) return onPlanes(evaluateTrunkOpenSet, request, context);
    const { genotypes } = request;
    const parameters = parametersOf(data);
    const checkpoint = { id: 'evaluated', configuration: data.model, parameters, genotypes, training: {} };
    return evaluateOpenSet(checkpoint, context, domainNamed(data.domains, request.domain), request);
  },
};

/** Does work with one task of kept planes, on the memory of the task before it. @throws Error when there is no such domain */
function onPlanes<R extends { readonly domain: string; readonly genotypes: readonly Genotype[] }, T>(
  work: (
    runner: TaskRunner,
    parameters: Parameters,
    domain: PlaneDomain,
    request: R,
    memory: ImageMemory,
  ) => Promise<T>,
  request: R,
  context: Pick<JobContext<TrainingWorkerData>, 'executor' | 'workerData'>,
): Promise<T> {
  const { workerData: data } = context;
  memory.reset();
  const runner = runnerOf(context, data.model, request.genotypes);
  return work(runner, parametersOf(data), domainNamed(data.planes ?? [], request.domain), request, memory);
}

/** The embedding of a task, and the architecture that the controller alone gives it. */
function embedTask(
  runner: TaskRunner,
  data: TrainingWorkerData,
  request: EvaluationPayload,
): Promise<Embedded> {
  const key = fold(keyFrom(request.seed), 'genotype', request.domain, request.task);
  const parameters = parametersOf(data);
  if (data.planes) {
    memory.reset();
    const planes = domainNamed(data.planes, request.domain);
    return embedTrunkTask(runner, parameters, planes, { key, payload: request, memory });
  }
  const domain = domainNamed(data.domains, request.domain);
  const shape = possibleShape(domain, request.split, request.shape);
  const { size, support } = metaTaskOf(sampleTask(key, domain, request.split, shape));
  return runner.embed(parameters, support, size);
}
