import type { Embedded } from '../../model/inner-loop/task-runner.ts';
import type { EvaluationPayload } from '../evaluation/evaluate-task.ts';
import type { EvaluationJobs } from '../evaluation/evaluation-jobs.ts';
import type { GradientPayload, GradientResult } from './gradient-job.ts';
import type { DrawnArchitecture } from './genotype-choice.ts';

/** The jobs of a training run. */
export interface TrainingJobs extends EvaluationJobs {
  /** The gradient of one task of a meta-batch, left on shared memory. */
  gradient(request: GradientPayload): GradientResult;
  /** The embedding of one task, and the architecture that the controller alone gives it. */
  genotype(request: EvaluationPayload): DrawnArchitecture & Pick<Embedded, 'embedding'>;
}
