import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { evaluateTasks } from '../evaluation/evaluate-checkpoint.ts';
import type {
  EvaluatedDomains,
  EvaluatedSetting,
  EvaluationOptions,
} from '../evaluation/evaluate-checkpoint.ts';
import { servedShares } from '../evaluation/evaluate-task.ts';
import type { ClassedDomain } from '../data/domain.ts';
import { settingsOf } from '../evaluation/settings.ts';
import type { Setting } from '../evaluation/settings.ts';
import { table } from '../report/markdown.ts';
import { percentOf, signedPercent } from '../report/percent.ts';
import { differences, intervalOf, meanOfIntervals } from '../report/statistics.ts';
import type { Interval } from '../report/statistics.ts';

/** Two checkpoints on the same tasks of one setting; shares of 1. */
export interface Compared extends Setting {
  readonly tasks: number;
  readonly before: Interval;
  readonly after: Interval;
  /** after - before, paired. */
  readonly difference: Interval;
}

/**
 * Evaluates a checkpoint and the one that it was fine-tuned from on the same tasks of the test split.
 * @throws Error when no domain has test tasks
 */
export async function compare(
  after: Checkpoint,
  before: Checkpoint,
  domains: EvaluatedDomains,
  options: Omit<EvaluationOptions, 'split' | 'floors'>,
): Promise<Compared[]> {
  const asked = { ...options, split: 'test' as const, floors: false };
  const { settings, notes } = settingsOf(domains, asked);
  if (settings.length === 0) throw new Error(`nothing to test: ${notes.join('; ')}`);
  const total = 2 * settings.length * options.tasks;
  const evaluate = (checkpoint: Checkpoint, first: number): Promise<EvaluatedSetting[]> => {
    const progress = (done: number): void => options.progress?.(first + done, total);
    return evaluateTasks(checkpoint, domains, { ...asked, progress }, settings);
  };
  const own = await evaluate(after, 0);
  const other = await evaluate(before, total / 2);
  return own.map(({ domain, shot, way, tasks }, i) => {
    const [a, b] = [servedShares(tasks), servedShares(other[i]!.tasks)];
    return {
      ...{ domain, shot, way, tasks: tasks.length },
      before: intervalOf(b),
      after: intervalOf(a),
      difference: intervalOf(differences(a, b)),
    };
  });
}

/** The comparison as a Markdown table: accuracies in percent with 95 % intervals. */
export const comparisonTable = (compared: readonly Compared[], before: string, after: string): string =>
  table(
    ['domain', 'ways', 'shots', 'tasks', before, after, 'difference, paired'],
    compared.map((row) => [
      row.domain,
      ...[row.way, row.shot, row.tasks].map(String),
      ...[row.before, row.after].map(percentOf),
      signedPercent(row.difference),
    ]),
  );

/** Test images below which the intervals are said to tell little. */
const fewImages = 200;

/** What the intervals do not cover, where the test has few images: they are over tasks, which share these. */
export function cautionOf(domains: readonly ClassedDomain[]): string | undefined {
  const tested = domains.flatMap(({ classes }) => classes.filter(({ split }) => split === 'test'));
  const images = tested.reduce((sum, { count }) => sum + count, 0);
  if (images >= fewImages) return undefined;
  return `The test has ${images} images: its intervals tell how tasks of these differ, not what other images would give.`;
}

/** The difference over all settings; shares of 1. */
const gainOf = (compared: readonly Compared[]): Interval =>
  meanOfIntervals(compared.map(({ difference }) => difference));

/** Whether fine-tuning has done harm: by the mean of all settings and its interval. */
export function isWorse(compared: readonly Compared[]): boolean {
  const { mean, half } = gainOf(compared);
  return mean < 0 && -mean > half;
}

/** In words whether fine-tuning has helped, by the same. */
export function verdict(compared: readonly Compared[], before: string, after: string): string {
  const { mean, half } = gainOf(compared);
  const points = `${percentOf({ mean: Math.abs(mean), half })} points`;
  if (Math.abs(mean) <= half)
    return `No difference can be told (${points}): ${before} serves these images as well.`;
  return isWorse(compared)
    ? `${after} is right less often, by ${points}: keep ${before}.`
    : `${after} is right more often, by ${points}.`;
}
