import type { Job, JobTable } from '../engine/jobs.ts';
import type { Genotype } from '../model/search-space/genotype.ts';
import { fold, keyFrom } from '../model/random.ts';
import { TaskRunner } from '../model/inner-loop/task-runner.ts';
import type { Embedded } from '../model/inner-loop/task-runner.ts';
import { possibleShape, sampleTask } from './data/tasks.ts';
import { evaluateOpenSet } from './evaluation/evaluate-open-set.ts';
import type { OpenSetPayload } from './evaluation/evaluate-open-set.ts';
import { evaluateTask } from './evaluation/evaluate-task.ts';
import type { EvaluationPayload } from './evaluation/evaluate-task.ts';
import type { DrawnArchitecture } from './outer-loop/genotype-choice.ts';
import { metaTaskOf } from './data/sampled-task.ts';
import type { TrainingWorkerData } from './worker/worker-state.ts';
import { embedTrunkTask, evaluateTrunkTask } from './planes/trunk-tasks.ts';
import { domainOf, memory, planesNamed, runnerOf, parametersOf } from './worker/worker-state.ts';
import { gradientJob } from './outer-loop/gradient-job.ts';

/** Accuracy of one task of a domain, served and transductive. */
const evaluationJob: Job = async (payload, context) => {
  const request = payload as EvaluationPayload & { readonly genotypes: readonly Genotype[] };
  const data = context.workerData as TrainingWorkerData;
  if (data.planes) {
    memory.reset();
    const runner = runnerOf(context, data.model, request.genotypes);
    return evaluateTrunkTask(runner, parametersOf(data), planesNamed(data, request.domain), request, memory);
  }
  const domain = domainOf(data, request.domain);
  return evaluateTask(runnerOf(context, data.model, request.genotypes), parametersOf(data), domain, request);
};

/** The embedding of one task, and the architecture that the controller alone gives it. */
const genotypeJob: Job = async (payload, context) => {
  const request = payload as EvaluationPayload;
  const data = context.workerData as TrainingWorkerData;
  const key = fold(keyFrom(request.seed), 'genotype', request.domain, request.task);
  const free = new TaskRunner(data.model, context.executor);
  if (data.planes) {
    memory.reset();
    const given = { key, payload: request, memory };
    const planes = planesNamed(data, request.domain);
    const { architecture, embedding } = await embedTrunkTask(context, data.model, parametersOf(data), planes, given);
    return { architecture: architecture!, genotype: free.decode(architecture), embedding };
  }
  const domain = domainOf(data, request.domain);
  const shape = possibleShape(domain, request.split, request.shape);
  const { size, support } = metaTaskOf(sampleTask(key, domain, request.split, shape));
  const { architecture, embedding } = await free.embed(parametersOf(data), support, size);
  return {
    architecture: architecture!,
    genotype: free.decode(architecture),
    embedding,
  } satisfies DrawnArchitecture & Pick<Embedded, 'embedding'>;
};

/** The open set of one task, by the checkpoint's exported child. */
const openSetJob: Job = async (payload, context) => {
  const request = payload as OpenSetPayload & { readonly genotypes: readonly Genotype[] };
  const data = context.workerData as TrainingWorkerData;
  const domain = domainOf(data, request.domain);
  const { genotypes } = request;
  const parameters = parametersOf(data);
  const checkpoint = { id: 'evaluated', configuration: data.model, parameters, genotypes, training: {} };
  return evaluateOpenSet(checkpoint, context, domain, request);
};

export const jobs: JobTable = {
  gradient: gradientJob,
  evaluate: evaluationJob,
  genotype: genotypeJob,
  openSet: openSetJob,
};
