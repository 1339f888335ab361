import type { ModelConfiguration } from '../../model/configuration.ts';
import type { Values } from '../../model/graph/programs.ts';
import { startValues } from '../../model/inner-loop/solved-network.ts';
import { solvedAnswer } from '../../model/adaptation/solved-answer.ts';
import type { TaskRunner } from '../../model/inner-loop/task-runner.ts';
import type { Parameters } from '../../model/layers/parameter-specification.ts';
import { chooseSolved } from '../../model/meta-gradient/solved-meta-gradient.ts';
import { fold, keyFrom } from '../../model/random.ts';
import { genotypeKey } from '../../model/search-space/genotype.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import { tapsRead } from '../../model/search-space/taps.ts';
import { accuracyOf } from '../../model/task/labelled-set.ts';
import type { ViewedTask } from '../../model/task/viewed-task.ts';
import type { ImageMemory } from '../data/tasks.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import { sampleRows } from '../planes/sample-rows.ts';
import type { EvaluationPayload } from './evaluate-task.ts';
import { plainRows } from './plain-rows.ts';
import { chooseServed, cropsOf, heldOutTask, readerOf } from './trunk-tasks.ts';

/** The answer as it is served: what all other rows are compared with. */
export const servedRow = 'as served';

export interface StagesPayload extends EvaluationPayload {
  /** Of the checkpoint; of several, each answers in a row of its own. */
  readonly genotypes: readonly Genotype[];
  /** Whether plain features of the trunk answer, too. */
  readonly plain: boolean;
}

/** One task answered in every way that the stages' table has a row for. */
export interface StageRows {
  readonly genotype: Genotype;
  readonly queries: number;
  /** Right answers by the row's name. */
  readonly right: Readonly<Record<string, number>>;
}

/** A share's logarithm that leaves nothing of it; inner steps differentiate its root, so that it is not zero. */
const none = -30;

/**
 * One task of held-out classes: as served, with each stage switched off in the finished checkpoint, and by plain features.
 */
export async function stageRows(
  runner: TaskRunner,
  parameters: Parameters,
  domain: PlaneDomain,
  payload: StagesPayload,
  memory: ImageMemory,
): Promise<StageRows> {
  const { configuration } = runner;
  const { split, shape } = payload;
  const key = fold(keyFrom(payload.seed), 'evaluation', domain.name, payload.task);
  const taught = payload.plain && domain.teacher !== null;
  const drawn = { ...payload, taught };
  const heldOut = await heldOutTask(runner, parameters, domain, drawn, key, memory);
  const { task, embedded, mirrored } = heldOut;
  const { network, genotype } = await chooseServed(runner, parameters, heldOut, payload.stage);
  const { steps } = configuration.innerLoop;
  const { modulated } = embedded;
  const crops = cropsOf(configuration, shape);
  const sample = (views: { readonly mirrored: boolean; readonly crops: number }) =>
    sampleRows(key, readerOf(domain), split, shape, { ...views, augmented: false }, memory);
  const right = async (
    of: ViewedTask,
    start = modulated,
    count = steps,
    answering = network,
  ): Promise<number> => {
    const values = startValues(answering, parameters, start);
    const { logits } = await solvedAnswer(runner, answering, values, of, count);
    return Math.round(accuracyOf(logits, of.query.targets, of.way) * of.query.count);
  };
  const known = new Map<string, number>();
  /** By an architecture, as it is served; what one has answered is not asked again. */
  const rightBy = async (own: Genotype): Promise<number> => {
    const name = genotypeKey(own);
    const count = known.get(name) ?? (await right(task, modulated, steps, runner.solved(own)));
    known.set(name, count);
    return count;
  };
  const shares = modulated['shares']!;
  const withShares = (of: (share: number, source: number) => number): Values => ({
    ...modulated,
    shares: Float32Array.from(shares, of),
  });
  const rows: Record<string, number> = {
    [servedRow]: await rightBy(genotype),
    ...(steps > 0 ? { 'no inner steps': await right(task, modulated, 0) } : {}),
    ...(configuration.modulator.kind === 'none'
      ? {}
      : { 'no modulation': await right(task, { ...modulated, ...unmodulated(parameters, modulated) }) }),
    ...(genotype.taps!.beside.length === 0
      ? {}
      : {
          'cells alone': await right(
            task,
            withShares((share, source) => (source === 0 ? share : none)),
          ),
          'no cells': await right(
            task,
            withShares((share, source) => (source === 0 ? none : share)),
          ),
        }),
    ...(mirrored ? { 'no mirror images': await right(sample({ mirrored: false, crops })) } : {}),
    ...(crops > 0 ? { 'no crops': await right(sample({ mirrored, crops: 0 })) } : {}),
  };
  const { genotypes } = payload;
  if (genotypes.length > 1) {
    const { genotype: decoded } = chooseSolved(runner, embedded, payload.stage);
    rows["the controller's architecture"] = await rightBy(decoded);
    for (const [i, own] of genotypes.entries())
      rows[architectureRow(configuration, genotypes, i)] = await rightBy(own);
  }
  const plain = payload.plain ? plainRows(configuration.trunk!.taps, domain.teacher, task) : {};
  return { genotype, queries: task.query.count, right: { ...rows, ...plain } };
}

/** The row of one of a checkpoint's architectures, whatever the task: by its number, and how deep it reads the trunk. */
function architectureRow(
  configuration: ModelConfiguration,
  genotypes: readonly Genotype[],
  number: number,
): string {
  const deepest = tapsRead(configuration, genotypes[number]!.taps!).at(-1)!;
  return `always architecture ${number + 1} of ${genotypes.length}, to ${deepest.name}`;
}

/** The meta-weights in place of what the modulator made of them. */
const unmodulated = (parameters: Parameters, modulated: Values): Values =>
  Object.fromEntries(Object.entries(parameters).filter(([name]) => name in modulated));
