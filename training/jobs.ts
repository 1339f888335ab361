import type { JobTable } from '../engine/jobs.ts';
import { TaskRunner } from '../model/inner-loop/task-runner.ts';
import { fold, keyFrom } from '../model/random.ts';
import { metaTaskOf } from './data/sampled-task.ts';
import { possibleShape, sampleTask } from './data/tasks.ts';
import { evaluateOpenSet } from './evaluation/evaluate-open-set.ts';
import { evaluateTask } from './evaluation/evaluate-task.ts';
import { gradientJob } from './outer-loop/gradient-job.ts';
import type { TrainingJobs } from './outer-loop/training-jobs.ts';
import { embedTrunkTask, evaluateTrunkTask } from './evaluation/trunk-tasks.ts';
import { domainOf, memory, parametersOf, planesNamed, runnerOf } from './worker/worker-state.ts';
import type { TrainingWorkerData } from './worker/worker-state.ts';

/** The job module of the workers that train and evaluate. */
export const jobs: JobTable<TrainingJobs, TrainingWorkerData> = {
  gradient: gradientJob,

  evaluate: async (request, context) => {
    const { workerData: data } = context;
    const runner = runnerOf(context, data.model, request.genotypes);
    if (!data.planes)
      return evaluateTask(runner, parametersOf(data), domainOf(data, request.domain), request);
    memory.reset();
    return evaluateTrunkTask(runner, parametersOf(data), planesNamed(data, request.domain), request, memory);
  },

  genotype: async (request, { executor, workerData: data }) => {
    const key = fold(keyFrom(request.seed), 'genotype', request.domain, request.task);
    const free = new TaskRunner(data.model, executor);
    if (data.planes) {
      memory.reset();
      const planes = planesNamed(data, request.domain);
      const given = { key, payload: request, memory };
      const embedded = await embedTrunkTask(free, parametersOf(data), planes, given);
      const { architecture, embedding } = embedded;
      return { architecture: architecture!, genotype: free.decode(architecture), embedding };
    }
    const domain = domainOf(data, request.domain);
    const shape = possibleShape(domain, request.split, request.shape);
    const { size, support } = metaTaskOf(sampleTask(key, domain, request.split, shape));
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
