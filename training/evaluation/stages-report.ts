import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { genotypeKey } from '../../model/search-space/genotype.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import { table } from '../report/markdown.ts';
import { percent, percentOf, signedPercent } from '../report/percent.ts';
import { countsOf, differences, intervalOf, meanOfIntervals } from '../report/statistics.ts';
import type { Interval } from '../report/statistics.ts';
import { evaluateTasks, overTasks, stoppable } from './evaluate-checkpoint.ts';
import { servedShares } from './evaluate-task.ts';
import type { EvaluatedSetting, EvaluationOptions } from './evaluate-checkpoint.ts';
import { settingsOf } from './settings.ts';
import type { Setting } from './settings.ts';
import { servedRow } from './stage-rows.ts';

/** A row of one domain and shot: accuracy, and its paired difference from the answer as served; shares of 1. */
export interface StageRow {
  readonly accuracy: Interval;
  readonly difference: Interval;
}

/** All rows of one domain and shot. */
export interface StagesReport extends Setting {
  readonly tasks: number;
  readonly rows: Readonly<Record<string, StageRow>>;
  /** How many tasks decode to each architecture. */
  readonly genotypes: Readonly<Record<string, number>>;
}

/**
 * The same tasks answered as served, with each stage switched off, by plain features of the trunk, and by other
 * checkpoints, each a row of its identifier. Domains have tasks as `settingsOf` says.
 * @throws Error where two of the others have one identifier
 */
export async function evaluateStages(
  checkpoint: Checkpoint,
  against: readonly Checkpoint[],
  domains: readonly PlaneDomain[],
  options: EvaluationOptions & { readonly plain: boolean },
): Promise<StagesReport[]> {
  const { split, query, seed, plain } = options;
  const twice = against.find(({ id }, i) => against.findIndex((other) => other.id === id) < i);
  if (twice) throw new Error(`two of the checkpoints that are compared with have the identifier ${twice.id}`);
  const { settings } = settingsOf(domains, options);
  const own = await overTasks(checkpoint, domains, settings, options, (pool, { domain, shot, way }, task) =>
    pool.run(
      'stages',
      {
        ...{ domain, split, shape: { way, shot, query }, seed, task, plain },
        ...{ stage: 'retrain', alphaTemperature: 1, transductive: false, floors: false },
        genotypes: checkpoint.genotypes,
      },
      stoppable(options),
    ),
  );
  const others: { readonly id: string; readonly settings: readonly EvaluatedSetting[] }[] = [];
  for (const other of against)
    others.push({ id: other.id, settings: await evaluateTasks(other, domains, options, settings) });
  return own.map(({ domain, shot, way, tasks }, i) => {
    const shares = (row: string): number[] =>
      tasks.map(({ right, queries }) => (right[row] ?? right[servedRow]!) / queries);
    const served = shares(servedRow);
    const rowOf = (values: readonly number[]): StageRow => ({
      accuracy: intervalOf(values),
      difference: intervalOf(differences(values, served)),
    });
    const names = [...new Set(tasks.flatMap(({ right }) => Object.keys(right)))];
    const rows = [
      ...names.map((name) => [name, rowOf(shares(name))] as const),
      ...others.map((other) => [other.id, rowOf(servedShares(other.settings[i]!.tasks))] as const),
    ];
    return {
      domain,
      shot,
      way,
      tasks: tasks.length,
      rows: Object.fromEntries(rows),
      genotypes: countsOf(tasks.map(({ genotype }) => genotypeKey(genotype))),
    };
  });
}

/** A Markdown table for every shot: a line a row, a column a domain, then the mean and its paired difference from served. */
export function stagesTables(reports: readonly StagesReport[]): string {
  const shots = [...new Set(reports.map(({ shot }) => shot))];
  return shots
    .map((shot) => {
      const own = reports.filter((report) => report.shot === shot);
      const names = [...new Set(own.flatMap(({ rows }) => Object.keys(rows)))];
      const lines = names.map((name) => {
        // a stage that no task of a domain uses changes nothing there
        const rows = own.map((report) => report.rows[name] ?? report.rows[servedRow]!);
        const mean = meanOfIntervals(rows.map(({ accuracy }) => accuracy));
        const difference = meanOfIntervals(rows.map((row) => row.difference));
        return [
          name,
          ...rows.map(({ accuracy }) => percent(accuracy.mean)),
          percentOf(mean),
          name === servedRow ? '' : signedPercent(difference),
        ];
      });
      const header = [
        `${shot}-shot`,
        ...own.map(({ domain, way }) => `${domain}, ${way}-way`),
        'mean',
        'from served, paired',
      ];
      return table(header, lines);
    })
    .join('\n\n');
}
