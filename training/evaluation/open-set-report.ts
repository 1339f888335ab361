import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { hasTasks } from '../data/tasks.ts';
import type { OpenSetEvaluation, OpenSetPayload } from './evaluate-open-set.ts';
import { accuracyOver, overTasks } from './evaluate-checkpoint.ts';
import type { Accuracy, EvaluatedDomains, EvaluationOptions } from './evaluate-checkpoint.ts';
import { table } from '../report/markdown.ts';

/** Means over tasks and their 95 % intervals, in percent. */
export interface OpenSetReport {
  readonly domain: string;
  readonly shot: number;
  readonly tasks: number;
  readonly auroc: Accuracy;
  readonly accepted: Accuracy;
  readonly foreignAccepted: Accuracy;
}

/** Evaluates the open set of a checkpoint by domain and shot, where a domain has classes enough; tasks depend on the seed alone. */
export async function evaluateOpenSets(
  checkpoint: Checkpoint,
  domains: EvaluatedDomains,
  options: EvaluationOptions & { readonly foreign: number },
): Promise<OpenSetReport[]> {
  const { split, way, foreign, query, seed, shots } = options;
  const settings = domains.flatMap((domain) =>
    shots
      .filter((shot) => hasTasks(domain, split, { way: way + foreign, shot, query }))
      .map((shot) => ({ domain: domain.name, shot })),
  );
  const evaluated = await overTasks(
    checkpoint,
    domains,
    settings,
    options,
    (pool, { domain, shot }, task) => {
      const payload: OpenSetPayload = { domain, split, way, foreign, shot, query, seed, task };
      return pool.run('openSet', { ...payload, genotypes: checkpoint.genotypes });
    },
  );
  return evaluated.map(({ domain, shot, tasks }) => {
    const over = (name: keyof OpenSetEvaluation): Accuracy =>
      accuracyOver(tasks.map((result) => result[name]));
    return {
      domain,
      shot,
      tasks: tasks.length,
      auroc: over('auroc'),
      accepted: over('accepted'),
      foreignAccepted: over('foreignAccepted'),
    };
  });
}

const cell = ({ mean, interval }: Accuracy): string => `${mean.toFixed(1)} ± ${interval.toFixed(1)}`;

/** A report as a Markdown table, with the mean AUROC of every shot below. */
export function openSetTable(reports: readonly OpenSetReport[]): string {
  const columns = ['auroc', 'accepted', 'foreignAccepted'] as const;
  const rows = reports.map((report) => [
    report.domain,
    `${report.shot}`,
    ...columns.map((name) => cell(report[name])),
  ]);
  const means = [...new Set(reports.map(({ shot }) => shot))].map((shot) => {
    const own = reports.filter((report) => report.shot === shot);
    const mean = (name: (typeof columns)[number]): string =>
      (own.reduce((total, report) => total + report[name].mean, 0) / own.length).toFixed(1);
    return ['**mean**', `${shot}`, ...columns.map(mean)];
  });
  const header = ['domain', 'shot', 'AUROC', 'accepted at 0.5', 'foreign accepted at 0.5'];
  return table(header, [...rows, ...means]);
}
