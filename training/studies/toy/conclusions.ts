import { claims, settle, verdict } from './claims.ts';
import type { Claim, Settled } from './claims.ts';
import { isMainReading } from './families.ts';
import { format, grouped } from './format.ts';
import { adaptedWeights, converged, pooled, weightIterations } from './measures.ts';
import type { Weights } from './measures.ts';
import { lastStateNotes } from './best-section.ts';
import { intervalOf } from '../../report/statistics.ts';
import type { ToyResult } from './result.ts';
import { paperOrder, tableOne } from './table-one.ts';

/** Sizes that differ by less than this part count as equal. */
const sameSize = 0.01;

/** 15,451, or the ends of a range. */
export const weightsText = (weights: Weights | null): string => {
  if (!weights) return '';
  const { least, most } = weights;
  return least === most ? grouped(most) : `${grouped(least)}–${grouped(most)}`;
};

/** Whether the rows of a comparison have as many weights and trained them as long, with the numbers. */
function setting({ runs: [own], otherRuns: [other] }: Settled): {
  readonly equal: boolean;
  readonly text: string;
} {
  const [size, otherSize] = [adaptedWeights(own!), adaptedWeights(other!)];
  const [length, otherLength] = [own!, other!].map(({ configuration }) => weightIterations(configuration!));
  const nearly = Math.abs((size?.most ?? 0) / (otherSize?.most ?? 1) - 1) < sameSize;
  const long = length === otherLength;
  const named = (values: readonly string[]): string => [...new Set(values)].join(' against ');
  const sizes = named([weightsText(size), weightsText(otherSize)]);
  const lengths = named([grouped(length!), grouped(otherLength!)]);
  return {
    equal: nearly && long,
    text: `${nearly ? 'Equal' : 'Unequal'} size (${sizes} weights), ${long ? 'equal' : 'unequal'} length (${lengths} iterations of weights).`,
  };
}

/** A difference as a figure with its sign. */
const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`;

/** What a comparison says: how far apart the rows are, by which seeds, and on what terms. */
function sentence(settled: Settled): string {
  const { row, other, about, runs, difference, bySeed, diverged } = settled;
  const { mean, half } = difference;
  const size = format({ mean: Math.abs(mean), half });
  const apart =
    verdict(settled) === 'level'
      ? `${row} and ${other} are not told apart (${signed(mean)} ± ${half.toFixed(3)})`
      : `${row} is ${size} ${mean < 0 ? 'below' : 'above'} ${other}`;
  const seeds = runs.map(({ seed }) => seed).join(', ');
  const seen = runs.length === 1 ? `Seed ${seeds}.` : `Seeds ${seeds}: ${bySeed.map(signed).join(', ')}.`;
  const without = diverged === 0 ? '' : ` Without ${diverged} of the test tasks, on which one diverged.`;
  return `- ${apart}: ${about}. ${seen} ${setting(settled).text}${without}`;
}

/** Why a comparison is not there: which of its rows is missing. */
function unsettled({ row, other, about }: Claim, results: readonly ToyResult[]): string {
  const missing = [row, other].filter(
    (name) => !results.some((result) => result.name === name && isMainReading(result.reading)),
  );
  const why = missing.length === 0 ? 'no seed in common' : `${missing.join(' and ')} missing`;
  return `- ${row} against ${other}, ${about}: ${why}.`;
}

/** How the rows stand to the paper's figures and to its order. */
function paperNotes(results: readonly ToyResult[]): string[] {
  const main = results.filter(({ reading }) => isMainReading(reading));
  const averages = main.map((result) => [result.name, intervalOf(converged(pooled(result))).mean] as const);
  const { rows, agreeing, pairs } = paperOrder(averages);
  const order = rows.map(([name]) => name!);
  const before = order.slice(0, Math.max(0, order.indexOf('m-nas')));
  return [
    ...rows
      .filter(([name]) => name === 'm-nas' || name === 'm-nas-shared')
      .map(([name, measured]) => {
        const seeds = main.filter((result) => result.name === name).map(({ seed }) => seed);
        const [published, half] = tableOne[name!]!.average;
        return `- ${name!} has ${measured!} on average (${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}), in the paper ${format({ mean: published, half })}.`;
      }),
    ...(pairs > 0 && order.includes('m-nas')
      ? [
          `- ${agreeing} of ${pairs} pairs of the paper's rows stand in its order. ${before.length === 0 ? 'm-nas is first, as there.' : `m-nas is first there, here behind ${before.join(', ')}.`}`,
        ]
      : []),
  ];
}

const part = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [`### ${title}`, '', ...lines, ''];

/** What the figures say, first where a row is not ahead, then where it is, then what no kept result tells. */
export function conclusionSection(results: readonly ToyResult[]): string {
  const judged = claims.map((claim) => [claim, settle(claim, results)] as const);
  const settled = judged.flatMap(([, found]) => (found ? [found] : []));
  const ahead = settled.filter((found) => verdict(found) === 'ahead');
  const others = (['behind', 'level'] as const).flatMap((wanted) =>
    settled.filter((found) => verdict(found) === wanted),
  );
  return [
    '## Conclusions',
    '',
    'Differences of the mean squared error of the last states, in the main reading and on the same test tasks. ± is the paired 95 % interval over tasks, of the mean over the seeds that are named: it says nothing of other seeds.',
    '',
    ...part('Not ahead', others.map(sentence)),
    ...part('Ahead', ahead.filter((found) => setting(found).equal).map(sentence)),
    ...part(
      'Ahead, but not at equal size and length',
      ahead.filter((found) => !setting(found).equal).map(sentence),
    ),
    ...part(
      'Cannot be said yet',
      judged.flatMap(([claim, found]) => (found ? [] : [unsettled(claim, results)])),
    ),
    ...part('Against the paper', paperNotes(results)),
    ...part('The last state is not the best', lastStateNotes(results)),
  ].join('\n');
}
