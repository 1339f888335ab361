import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import type { OpenSetEvaluation, OpenSetPayload } from './evaluate-open-set.ts';
import { accuracyOver, overTasks, stoppable } from './evaluate-checkpoint.ts';
import type { Accuracy, EvaluatedDomains, EvaluationOptions } from './evaluate-checkpoint.ts';
import { settingsOf } from './settings.ts';
import type { Setting } from './settings.ts';
import { table } from '../report/markdown.ts';

/** Means over tasks and their 95 % intervals, in percent. */
export interface OpenSetReport extends Setting, Readonly<Record<keyof OpenSetEvaluation, Accuracy>> {
  readonly tasks: number;
}

/** Evaluates the open set of a checkpoint by domain and shot, as `settingsOf` says; tasks depend on seed and ways alone. */
export async function evaluateOpenSets(
  checkpoint: Checkpoint,
  domains: EvaluatedDomains,
  options: EvaluationOptions & { readonly foreign: number },
): Promise<OpenSetReport[]> {
  const { split, foreign, query, seed } = options;
  const { settings } = settingsOf(domains, options, foreign);
  const evaluated = await overTasks(
    checkpoint,
    domains,
    settings,
    options,
    (pool, { domain, shot, way }, task) => {
      const payload: OpenSetPayload = { domain, split, way, foreign, shot, query, seed, task };
      return pool.run('openSet', { ...payload, genotypes: checkpoint.genotypes }, stoppable(options));
    },
  );
  return evaluated.map(({ domain, shot, way, tasks }) => {
    const over = (name: keyof OpenSetEvaluation): Accuracy =>
      accuracyOver(tasks.map((result) => result[name]));
    return {
      domain,
      shot,
      way,
      tasks: tasks.length,
      auroc: over('auroc'),
      accepted: over('accepted'),
      foreignAccepted: over('foreignAccepted'),
      threshold: over('threshold'),
      passed: over('passed'),
      foreignPassed: over('foreignPassed'),
    };
  });
}

const cell = ({ mean, interval }: Accuracy): string => `${mean.toFixed(1)} ± ${interval.toFixed(1)}`;

/** A report as a Markdown table, with the means of every shot below; a task's own threshold in percent, too. */
export function openSetTable(reports: readonly OpenSetReport[]): string {
  const columns = ['auroc', 'threshold', 'passed', 'foreignPassed', 'accepted', 'foreignAccepted'] as const;
  const rows = reports.map((report) => [
    report.domain,
    `${report.way}`,
    `${report.shot}`,
    ...columns.map((name) => cell(report[name])),
  ]);
  const means = [...new Set(reports.map(({ shot }) => shot))].map((shot) => {
    const own = reports.filter((report) => report.shot === shot);
    const mean = (name: (typeof columns)[number]): string =>
      (own.reduce((total, report) => total + report[name].mean, 0) / own.length).toFixed(1);
    return ['**mean**', '', `${shot}`, ...columns.map(mean)];
  });
  const accepted = ["accepted at the task's own", 'foreign', 'accepted at 0.5', 'foreign'];
  const header = ['domain', 'ways', 'shot', 'AUROC', 'threshold, %', ...accepted];
  return table(header, [...rows, ...means]);
}
