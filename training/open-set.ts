import type { Checkpoint } from '../model/checkpoint.ts';
import type { ImageDomain } from './data/domain.ts';
import type { OpenSetEvaluation, OpenSetPayload } from './evaluate-open-set.ts';
import { accuracyOver, evaluationPool, type Accuracy, type EvaluationOptions } from './evaluation.ts';

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
  domains: readonly ImageDomain[],
  options: EvaluationOptions & { readonly foreign: number },
): Promise<OpenSetReport[]> {
  const { split, way, foreign, query, seed, tasks, shots } = options;
  const settings = domains.flatMap((domain) =>
    shots
      .filter((shot) => {
        const eligible = domain.classes.filter((own) => own.split === split && own.count > shot);
        return eligible.length >= way + foreign;
      })
      .map((shot) => ({ domain: domain.name, shot })),
  );
  const pool = evaluationPool(checkpoint, domains, options);
  let done = 0;
  try {
    const reports: OpenSetReport[] = [];
    for (const { domain, shot } of settings) {
      const runs = Array.from({ length: tasks }, async (_, task) => {
        const payload: OpenSetPayload = { domain, split, way, foreign, shot, query, seed, task };
        const result = await pool.run('openSet', { ...payload, genotypes: checkpoint.genotypes });
        options.progress?.(++done, settings.length * tasks);
        return result as OpenSetEvaluation;
      });
      const results = await Promise.all(runs);
      const over = (name: keyof OpenSetEvaluation): Accuracy =>
        accuracyOver(results.map((result) => result[name]));
      reports.push({
        domain,
        shot,
        tasks,
        auroc: over('auroc'),
        accepted: over('accepted'),
        foreignAccepted: over('foreignAccepted'),
      });
    }
    return reports;
  } finally {
    await pool.close();
  }
}

const cell = ({ mean, interval }: Accuracy): string => `${mean.toFixed(1)} ± ${interval.toFixed(1)}`;

/** A report as a Markdown table, with the mean AUROC of every shot below. */
export function openSetTable(reports: readonly OpenSetReport[]): string {
  const rows = reports.map(
    ({ domain, shot, auroc, accepted, foreignAccepted }) =>
      `| ${domain} | ${shot} | ${cell(auroc)} | ${cell(accepted)} | ${cell(foreignAccepted)} |`,
  );
  const means = [...new Set(reports.map(({ shot }) => shot))].map((shot) => {
    const own = reports.filter((report) => report.shot === shot);
    const mean = (name: 'auroc' | 'accepted' | 'foreignAccepted'): string =>
      (own.reduce((total, report) => total + report[name].mean, 0) / own.length).toFixed(1);
    return `| **mean** | ${shot} | ${mean('auroc')} | ${mean('accepted')} | ${mean('foreignAccepted')} |`;
  });
  return [
    '| domain | shot | AUROC | accepted at 0.5 | foreign accepted at 0.5 |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    ...means,
  ].join('\n');
}
