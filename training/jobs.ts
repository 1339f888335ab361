import type { JobTable } from '../engine/jobs.ts';
import { TaskRunner } from '../model/inner-loop/task-runner.ts';
import { fold, keyFrom } from '../model/random.ts';
import { metaTaskOf } from './data/sampled-task.ts';
import { possibleShape, sampleTask } from './data/tasks.ts';
import { evaluateOpenSet } from './evaluation/evaluate-open-set.ts';
import { evaluateTask } from './evaluation/evaluate-task.ts';
import { gradientJob } from './outer-loop/gradient-job.ts';
import type { TrainingJobs } from './outer-loop/training-jobs.ts';
import { domainOf, parametersOf, runnerOf } from './worker/worker-state.ts';
import type { TrainingWorkerData } from './worker/worker-state.ts';

/** The job module of the workers that train and evaluate. */
export const jobs: JobTable<TrainingJobs, TrainingWorkerData> = {
  gradient: gradientJob,

  evaluate: async (request, context) => {
    const { workerData: data } = context;
    const domain = domainOf(data, request.domain);
    return evaluateTask(
      runnerOf(context, data.model, request.genotypes),
      parametersOf(data),
      domain,
      request,
    );
  },

  genotype: async (request, { executor, workerData: data }) => {
    const domain = domainOf(data, request.domain);
    const key = fold(keyFrom(request.seed), 'genotype', domain.name, request.task);
    const shape = possibleShape(domain, request.split, request.shape);
    const { size, support } = metaTaskOf(sampleTask(key, domain, request.split, shape));
    const free = new TaskRunner(data.model, executor);
    const { architecture, embedding } = await free.embed(parametersOf(data), support, size);
    return { architecture: architecture!, genotype: free.decode(architecture), embedding };
  },

  openSet: async (request, context) => {
    const { workerData: data } = context;
    const { genotypes } = request;
    const parameters = parametersOf(data);
    const checkpoint = { id: 'evaluated', configuration: data.model, parameters, genotypes, training: {} };
    return evaluateOpenSet(checkpoint, context, domainOf(data, request.domain), request);
  },
};
