import { table } from '../../report/markdown.ts';
import type { Interval } from '../../report/statistics.ts';
import { signed, thousands } from './format.ts';
import {
  accuracy,
  allColumns,
  counterpart,
  meanWeights,
  metaWeights,
  pairedDifference,
  shotsOf,
  trainingTasks,
} from './measures.ts';
import type { Column } from './measures.ts';
import { published, studyRows } from './paper.ts';
import type { ImageResult } from './result.ts';

/** What M-NAS is compared with, and what tells the two apart. */
interface Claim {
  readonly other: string;
  readonly about: string;
}

/** Conv4 rows that are not of the paper, and what M-NAS is compared with them for. */
const conv4Controls: Readonly<Record<string, string>> = {
  'conv4-class-means': 'cells against a conv4, both trained in two stages',
  'maml-tripled-rate': "cells against a conv4 at three times its row's outer rate",
};
export const controls: readonly string[] = Object.keys(conv4Controls);

const abouts: Readonly<Record<string, string>> = {
  'm-nas-shared': 'an architecture a task against one for all',
  'm-nas-nm': 'modulation against none',
  ...conv4Controls,
  'auto-meta': 'an architecture a task against a cell found by progressive search',
};

const claims: readonly Claim[] = [
  ...Object.entries(abouts).map(([other, about]) => ({ other, about })),
  ...studyRows
    .filter((row) => row !== 'm-nas' && !(row in abouts))
    .map((other) => ({ other, about: "cells against a conv4, each by its own row's training" })),
];

/** A claim with two runs of one seed on the same tasks, and by how many points M-NAS is ahead, by column and shot. */
interface Settled extends Claim {
  readonly own: ImageResult;
  readonly otherRun: ImageResult;
  readonly differences: readonly (Interval | null)[];
}

function settle(claim: Claim, results: readonly ImageResult[], figures: readonly Figure[]): Settled[] {
  return results
    .filter(({ name }) => name === 'm-nas')
    .flatMap((own) => {
      const otherRun = counterpart(own, claim.other, results);
      if (!otherRun) return [];
      const differences = figures.map(({ column, shot }) => pairedDifference(own, otherRun, column, shot));
      return [{ ...claim, own, otherRun, differences }];
    });
}

/** A mean over domains at one number of shots. */
interface Figure {
  readonly column: Column;
  readonly shot: number;
}

const isAhead = (difference: Interval | null): boolean =>
  difference !== null && difference.mean - difference.half > 0;

/** Two values as one where they are the same text. */
const pair = (own: string, other: string): string => (own === other ? own : `${own} : ${other}`);

function claimTable(title: string, settled: readonly Settled[], figures: readonly Figure[]): string[] {
  if (settled.length === 0) return [];
  const header = ['m-nas against', 'about', 'seed', 'weights', 'meta-weights', 'training tasks'];
  const rows = settled.map(({ other, about, own, otherRun, differences }) => [
    other,
    about,
    `${own.seed}`,
    pair(thousands(meanWeights(own)), thousands(meanWeights(otherRun))),
    pair(thousands(metaWeights(own)), thousands(metaWeights(otherRun))),
    pair(`${trainingTasks(own)}`, `${trainingTasks(otherRun)}`),
    ...differences.map((difference) => (difference ? signed(difference) : '')),
  ]);
  const names = figures.map(({ column, shot }) => `${column.name}, ${shot}-shot`);
  return [`### ${title}`, '', table([...header, ...names], rows), ''];
}

/** How many pairs of the paper's rows stand in the order of its Table 2 at one shot, by the runs of seed 1. */
function orderNotes(results: readonly ImageResult[], multi: Column | undefined): string[] {
  if (!multi) return [];
  const ranked = results
    .filter(({ seed }) => seed === 1)
    .flatMap((result) => {
      const paper = published[result.name]?.tableTwo?.oneShot.at(-1);
      const measured = accuracy(result, multi, 1, 'transductive')?.mean;
      return paper && measured ? [{ name: result.name, paper, measured }] : [];
    })
    .sort((a, b) => b.measured - a.measured);
  const pairs = ranked.flatMap((a, i) => ranked.slice(i + 1).map((b) => [a, b] as const));
  if (pairs.length === 0) return [];
  const agreeing = pairs.filter(([a, b]) => a.paper > b.paper).length;
  return [
    '### Against the paper',
    '',
    `- ${agreeing} of ${pairs.length} pairs of Table 2's rows stand in its order: multi, 1-shot, transductive, seed 1.`,
    `- The order here, best first: ${ranked.map(({ name }) => name).join(', ')}.`,
    '',
  ];
}

/** What the figures say, first where M-NAS is not ahead in every column, then where it is, then what is not known. */
export function conclusionSection(results: readonly ImageResult[]): string {
  const columns = allColumns(results).filter(({ name }) => name === 'multi' || name === 'mean');
  const figures = columns.flatMap((column) => shotsOf(results).map((shot) => ({ column, shot })));
  const settled = claims.flatMap((claim) => settle(claim, results, figures));
  if (settled.length === 0) return '';
  const ahead = settled.filter(({ differences }) => differences.every(isAhead));
  const unsettled = claims.filter(({ other }) => !settled.some((found) => found.other === other));
  return [
    '## Conclusions',
    '',
    'Points of served accuracy by which m-nas is ahead on the same test tasks. ± is the paired 95 % interval over tasks: it says nothing of other seeds. `weights` are those that a task adapts, `meta-weights` all that meta-training learns. Two values are those of m-nas and of the other row.',
    '',
    ...claimTable(
      'Not ahead, or not in every mean',
      settled.filter((found) => !ahead.includes(found)),
      figures,
    ),
    ...claimTable('Ahead', ahead, figures),
    ...(unsettled.length === 0
      ? []
      : [
          '### Cannot be said yet',
          '',
          ...unsettled.map(({ other, about }) => `- m-nas against ${other}, ${about}: no run to compare.`),
          '',
        ]),
    ...orderNotes(
      results,
      columns.find(({ name }) => name === 'multi'),
    ),
  ].join('\n');
}
