import type { Interval } from '../../report/statistics.ts';
import {
  accuracy,
  calibrationError,
  columnsOf,
  comparable,
  domainColumn,
  domainsOf,
  pairedDifference,
  transductiveGain,
} from './measures.ts';
import type { Column } from './measures.ts';
import { signed } from './format.ts';
import type { ImageResult } from './result.ts';

/** What the study is to reach, with the figure that says whether it does. */
export interface Goal {
  readonly text: string;
  readonly shot: number;
  readonly figure: string;
  readonly verdict: string;
}

/** Served accuracies to reach, percent, by shot. */
const accuracyGoals: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  bird: { 1: 60, 5: 76 },
  'mini-imagenet': { 1: 45, 5: 60 },
  multi: { 1: 64, 5: 77 },
};

/** Points ahead of MAML: the paper's margin. */
const margin = 4;
/** Points that serving may cost against the transductive mode. */
const servingCost = 2;
/** Percent, at 5-shot. */
const largestCalibrationError = 5;

const unmeasured = (why: string) => ({ figure: '', verdict: `not measured: ${why}` });

/** Reached, or missed by so much; `distance` is positive where the goal is reached. */
export const verdictOf = (distance: number): string =>
  distance >= 0 ? 'reached' : `missed by ${(-distance).toFixed(2)}`;

const judged = (figure: string, distance: number) => ({ figure, verdict: verdictOf(distance) });

function against(
  own: ImageResult,
  name: string,
  others: readonly ImageResult[],
  column: Column,
  shot: number,
  distance: (difference: Interval) => number,
): Pick<Goal, 'figure' | 'verdict'> {
  const other = others.find((result) => result.name === name && result.seed === own.seed);
  if (!other) return unmeasured(`no run of ${name} with seed ${own.seed}`);
  if (!comparable(own, other)) return unmeasured(`${name} was tested on other tasks`);
  const difference = pairedDifference(own, other, column, shot);
  return difference ? judged(signed(difference), distance(difference)) : unmeasured('domains are missing');
}

/** The goals for one run of M-NAS, beside the other runs of the study. */
export function goalsOf(own: ImageResult, others: readonly ImageResult[]): Goal[] {
  const columns = columnsOf(domainsOf(own));
  const means = columns.filter(({ name }) => name === 'multi' || name === 'mean');
  const mean = columns.at(-1)!;
  const named = (name: string): Column =>
    columns.find((column) => column.name === name) ?? domainColumn(name);
  return own.protocol.shots.flatMap((shot): Goal[] => {
    const gain = transductiveGain(own, mean, shot);
    return [
      ...means.map((column) => ({
        text: `${margin} points ahead of MAML, ${column.name}`,
        shot,
        ...against(own, 'maml', others, column, shot, (difference) => difference.mean - margin),
      })),
      ...means.map((column) => ({
        text: `ahead of M-NAS-Shared beyond the paired interval, ${column.name}`,
        shot,
        ...against(own, 'm-nas-shared', others, column, shot, ({ mean: ahead, half }) => ahead - half),
      })),
      {
        text: `served within ${servingCost} points of transductive, mean`,
        shot,
        ...(gain ? judged(signed(gain), servingCost - gain.mean) : unmeasured('no domains')),
      },
      ...Object.entries(accuracyGoals).flatMap(([name, goals]): Goal[] => {
        const goal = goals[shot];
        if (goal === undefined) return [];
        const reached = accuracy(own, named(name), shot, 'served');
        return [
          {
            text: `${name} at least ${goal} %, served`,
            shot,
            ...(reached
              ? judged(reached.mean.toFixed(2), reached.mean - goal)
              : unmeasured('domains are missing')),
          },
        ];
      }),
      ...(shot === 5
        ? [
            {
              text: `calibration error at most ${largestCalibrationError} %`,
              shot,
              ...judged(
                calibrationError(own, shot).toFixed(2),
                largestCalibrationError - calibrationError(own, shot),
              ),
            },
          ]
        : []),
    ];
  });
}
