import type { WorkerPool } from '../engine/pool.ts';
import type { Genotype } from '../model/genotype.ts';
import type { TrainingConfiguration } from './configuration.ts';
import type { EvaluationPayload, TaskEvaluation } from './evaluate-task.ts';
import type { RunState } from './run-folder.ts';
import { stageAt, totalIterations } from './schedule.ts';

/** Training tasks a domain that decide which architectures are kept. */
const genotypeTasks = 20;

/** A run between two steps: Θ of the state lies in the memory that the workers of the pool read. */
export interface PausedRun {
  readonly pool: WorkerPool;
  readonly configuration: TrainingConfiguration;
  readonly state: RunState;
}

/** Served accuracy on validation classes, by domain. */
export async function validationAccuracies(run: PausedRun): Promise<Record<string, number>> {
  const { domains, validation } = run.configuration;
  const accuracies = domains.map(async ({ source }): Promise<[string, number]> => {
    const tasks = Array.from({ length: validation.tasks }, (_, task) =>
      run.pool.run('evaluate', {
        ...evaluationPayload(run, source.name, 'val', task),
        version: run.state.iteration,
        genotypes: run.state.genotypes,
      }),
    );
    const results = (await Promise.all(tasks)) as TaskEvaluation[];
    return [source.name, results.reduce((total, { served }) => total + served, 0) / results.length];
  });
  return Object.fromEntries(await Promise.all(accuracies));
}

/** What the controller alone decodes for training tasks of every domain. */
export async function drawGenotypes(run: PausedRun): Promise<Genotype[]> {
  const drawn = run.configuration.domains.flatMap(({ source }) =>
    Array.from({ length: genotypeTasks }, (_, task) =>
      run.pool.run('genotype', {
        ...evaluationPayload(run, source.name, 'train', task),
        version: run.state.iteration,
      }),
    ),
  );
  return (await Promise.all(drawn)) as Genotype[];
}

function evaluationPayload(
  { configuration, state }: PausedRun,
  domain: string,
  split: EvaluationPayload['split'],
  task: number,
): EvaluationPayload {
  const { stages, validation, seed } = configuration;
  const { way, shot } = stages[0]!.shapes[0]!;
  const iteration = Math.min(state.iteration, totalIterations(configuration) - 1);
  return {
    domain,
    split,
    shape: { way, shot, query: validation.query },
    seed,
    task,
    stage: state.genotypes.length > 0 ? 'retrain' : stageAt(configuration, iteration).stage.stage,
    transductive: false,
    floors: false,
  };
}
