import { intervalOf } from '../../report/statistics.ts';
import type { Interval } from '../../report/statistics.ts';
import { isMainReading } from './families.ts';
import { divergedError, pooled } from './measures.ts';
import type { ToyResult } from './result.ts';

/** Two rows that a sentence compares, and what tells them apart. */
export interface Claim {
  readonly row: string;
  readonly other: string;
  readonly about: string;
}

const against = (row: string, others: readonly string[], about: string): Claim[] =>
  others.map((other) => ({ row, other, about }));

/** What the paper claims, the same at equal length and size, and the same with the extras of m-nas-plus for all. */
export const claims: readonly Claim[] = [
  ...against(
    'm-nas',
    ['m-nas-shared', 'm-nas-shared-continued'],
    'an architecture a task against one for all',
  ),
  ...against('m-nas-reinitialized', ['m-nas-shared'], 'an architecture a task against one for all'),
  ...against('m-nas', ['fixed-cell'], 'searched cells against one that is given'),
  ...against('m-nas', ['m-nas-nm'], 'modulation against none'),
  ...against(
    'm-nas',
    ['maml', 'mt-net', 'bmaml', 'mumomaml', 'mumomaml-activated', 'hsml-flat', 'maml-wide', 'mumomaml-wide'],
    'cells against fully connected layers',
  ),
  ...against(
    'm-nas-plus',
    ['mumomaml-plus', 'mumomaml-wide-plus', 'hsml-flat-plus'],
    'cells against fully connected layers, both with the extras',
  ),
  ...against(
    'm-nas-plus',
    ['m-nas-shared-plus'],
    'an architecture a task against one for all, with the extras',
  ),
  ...against('m-nas-plus', ['fixed-cell-plus'], 'searched cells against one that is given, with the extras'),
];

/** A claim with what the kept results say of it. */
export interface Settled extends Claim {
  /** Runs of both rows with the same seeds, in the same order. */
  readonly runs: readonly ToyResult[];
  readonly otherRuns: readonly ToyResult[];
  /** Mean over seeds and test tasks of the row's error minus the other's, with the paired interval over tasks. */
  readonly difference: Interval;
  /** The difference of every seed. */
  readonly bySeed: readonly number[];
  /** Tasks that are left out, since one of the runs diverged on them. */
  readonly diverged: number;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Compares two rows in the main reading by the seeds that both have; null where there is none. */
export function settle(claim: Claim, results: readonly ToyResult[]): Settled | null {
  const of = (row: string) => results.filter(({ name, reading }) => name === row && isMainReading(reading));
  const runs = of(claim.row).filter(({ seed }) => of(claim.other).some((other) => other.seed === seed));
  const otherRuns = runs.map(({ seed }) => of(claim.other).find((other) => other.seed === seed)!);
  if (runs.length === 0) return null;
  const [own, others] = [runs.map(pooled), otherRuns.map(pooled)];
  const tasks = own[0]!.map((_, task) => task);
  const kept = tasks.filter((task) => [...own, ...others].every((errors) => errors[task]! <= divergedError));
  const differences = own.map((errors, i) => kept.map((task) => errors[task]! - others[i]![task]!));
  return {
    ...claim,
    runs,
    otherRuns,
    difference: intervalOf(kept.map((_, i) => mean(differences.map((ofSeed) => ofSeed[i]!)))),
    bySeed: differences.map(mean),
    diverged: tasks.length - kept.length,
  };
}

/** Whether the row is ahead of the other, behind it, or not told apart from it by the interval. */
export function verdict({ difference: { mean, half } }: Settled): 'ahead' | 'behind' | 'level' {
  if (mean + half < 0) return 'ahead';
  return mean - half > 0 ? 'behind' : 'level';
}
