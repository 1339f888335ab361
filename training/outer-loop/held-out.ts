import type { WorkerPool } from '../../engine/pool.ts';
import type { TaskSize } from '../../model/task/labelled-set.ts';
import type { TrainingConfiguration } from './configuration.ts';
import type { ClassedDomain } from '../data/domain.ts';
import { hasSomeTasks, possibleShape } from '../data/tasks.ts';
import type { DrawnArchitecture } from './genotype-choice.ts';
import type { TaskShape } from '../data/tasks.ts';
import { servedShares } from '../evaluation/evaluate-task.ts';
import type { Answers, EvaluationPayload } from '../evaluation/evaluate-task.ts';
import type { EmbeddedTask } from './fit-mirroring.ts';
import type { TrainingJobs } from './training-jobs.ts';
import type { RunState } from '../run/run-folder.ts';
import { stageAt, alphaTemperatureAt, totalIterations } from '../run/schedule.ts';

/** Training tasks a domain that decide which architectures are kept. */
const genotypeTasks = 20;

/** A run between two steps: Θ of the state lies in the memory that the workers of the pool read. */
export interface PausedRun<P = WorkerPool<TrainingJobs>> {
  readonly pool: P;
  readonly configuration: TrainingConfiguration;
  readonly domains: readonly ClassedDomain[];
  readonly state: RunState;
}

/** A run whose workers can do no more than evaluate. */
export type EvaluatedRun = PausedRun<{
  run(
    job: 'evaluate',
    request: EvaluationPayload & Pick<RunState, 'genotypes'>,
  ): Promise<Awaited<ReturnType<TrainingJobs['evaluate']>>>;
}>;

/** What is asked otherwise than the run stands: which network answers, and how its architecture is relaxed. */
export type Asked = Partial<Pick<EvaluationPayload, 'stage' | 'alphaTemperature'>>;

/**
 * Served accuracy on validation classes, by domain, in tasks of as many ways as it has classes for; domains that have less
 * than two such classes are left out.
 * @param asked what is otherwise than the run stands
 */
export async function validationAccuracies(
  run: EvaluatedRun,
  asked: Asked = {},
): Promise<Record<string, number>> {
  const domains = domainsWith(run, heldOutShape(run));
  const accuracies = domains.map(async ({ name, shape }): Promise<[string, number]> => {
    const tasks = Array.from({ length: run.configuration.validation.tasks }, (_, task) =>
      run.pool.run('evaluate', {
        ...evaluationPayload(run, name, 'val', task),
        ...asked,
        shape,
        genotypes: run.state.genotypes,
      }),
    );
    const shares = servedShares(await Promise.all(tasks));
    return [name, shares.reduce((total, share) => total + share, 0) / shares.length];
  });
  return Object.fromEntries(await Promise.all(accuracies));
}

/** Domains that have validation tasks of a shape, of at most its ways and at least two. */
const domainsWith = (
  { domains }: Pick<PausedRun, 'domains'>,
  wanted: TaskShape,
): { readonly name: string; readonly shape: TaskShape }[] =>
  domains
    .filter((domain) => hasSomeTasks(domain, 'val', wanted))
    .map((domain) => ({ name: domain.name, shape: possibleShape(domain, 'val', wanted) }));

/** Validation tasks a domain and shape that decide the temperature of the probabilities. */
const calibrationTasks = 20;

/** Answers on validation tasks of every shape that the last stage trains, of the domains that have them (domainsWith). */
export async function calibrationAnswers(run: EvaluatedRun): Promise<Answers[]> {
  const { stages, validation } = run.configuration;
  const shapes = stages.at(-1)!.shapes.map(({ way, shot }) => ({ way, shot, query: validation.query }));
  const asked = shapes.flatMap((wanted) =>
    domainsWith(run, wanted).flatMap(({ name, shape }) =>
      Array.from({ length: calibrationTasks }, (_, task) =>
        run.pool.run('evaluate', {
          ...evaluationPayload(run, name, 'val', task),
          shape,
          answers: true,
          genotypes: run.state.genotypes,
        }),
      ),
    ),
  );
  return (await Promise.all(asked)).map(({ answers }) => answers!);
}

/** What the controller alone gives training tasks of every domain. @param asked as above */
export async function drawArchitectures(run: PausedRun, asked: Asked = {}): Promise<DrawnArchitecture[]> {
  const drawn = run.domains
    .filter((domain) => hasSomeTasks(domain, 'train', heldOutShape(run)))
    .flatMap(({ name }) =>
      Array.from({ length: genotypeTasks }, (_, task) =>
        run.pool.run('genotype', { ...evaluationPayload(run, name, 'train', task), ...asked }),
      ),
    );
  return Promise.all(drawn);
}

/** Training tasks a domain and shape that decide which tasks are mirrored, and what is familiar. */
const embeddedTaskCount = 20;

/** Embeddings of training tasks of every domain, in the last stage's shapes, or those of them that are `wanted`. */
export async function embeddedTasks(
  run: PausedRun,
  wanted: (size: TaskSize) => boolean = () => true,
): Promise<EmbeddedTask[]> {
  const { stages, model, domains } = run.configuration;
  const shapes = stages.at(-1)!.shapes.filter(({ way, shot }) => wanted({ way, support: way * shot }));
  const asked = shapes.flatMap(({ way, shot }) => {
    const shape = { way, shot, query: 1 };
    return domains.flatMap(({ source, augmentation, views }, i) => {
      // a domain whose classes have too few images for so many shots says nothing of these
      if (!hasSomeTasks(run.domains[i]!, 'train', shape)) return [];
      return Array.from({ length: embeddedTaskCount }, async (_, task): Promise<EmbeddedTask> => {
        const payload = { ...evaluationPayload(run, source.name, 'train', task), shape };
        const { embedding } = await run.pool.run('genotype', payload);
        const symmetric = model.trunk ? (views?.mirror ?? false) : augmentation.flip;
        return { embedding, symmetric, domain: i };
      });
    });
  });
  return Promise.all(asked);
}

/** Way and shots of the last stage's first shape: what the run is for. */
function heldOutShape({
  configuration: { stages, validation },
}: Pick<PausedRun, 'configuration'>): TaskShape {
  const { way, shot } = stages.at(-1)!.shapes[0]!;
  return { way, shot, query: validation.query };
}

function evaluationPayload(
  run: Pick<PausedRun, 'configuration' | 'state'>,
  domain: string,
  split: EvaluationPayload['split'],
  task: number,
): EvaluationPayload {
  const { configuration, state } = run;
  const iteration = Math.min(state.iteration, totalIterations(configuration) - 1);
  const { stage, progress } = stageAt(configuration, iteration);
  return {
    domain,
    split,
    shape: heldOutShape(run),
    seed: configuration.seed,
    task,
    stage: state.genotypes.length > 0 ? 'retrain' : stage.stage,
    alphaTemperature: stage.stage === 'search' ? alphaTemperatureAt(stage, progress) : 1,
    transductive: false,
    floors: false,
  };
}
