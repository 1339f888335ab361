import type { Genotype } from '../../model/search-space/genotype.ts';
import type { OpenSetEvaluation, OpenSetPayload } from './evaluate-open-set.ts';
import type { EvaluationPayload, TaskEvaluation } from './evaluate-task.ts';
import type { StagesPayload, StageRows } from './stage-rows.ts';

/** What a task's architecture is chosen among; none: every genotype. */
interface Choice {
  readonly genotypes: readonly Genotype[];
}

/** The jobs that evaluate the Θ that the workers read. */
export interface EvaluationJobs {
  /** One task of a domain, served and (where it is asked for) transductive. */
  evaluate(request: EvaluationPayload & Choice): TaskEvaluation;
  /** One task of kept planes in every way that the stages' table has a row for. */
  stages(request: StagesPayload & Choice): StageRows;
  /** The open set of one task, by the exported child. */
  openSet(request: OpenSetPayload & Choice): OpenSetEvaluation;
}
