import { figureSection } from '../../report/figures/figure.ts';
import type { FigureTitle } from '../../report/figures/figure.ts';
import { table } from '../../report/markdown.ts';
import { missingSection } from '../../report/missing.ts';
import { intervalOf } from '../../report/statistics.ts';
import { bestSection } from './best-section.ts';
import { conclusionSection, weightsText } from './conclusions.ts';
import { divergedSection } from './diverged-section.ts';
import { families, isMainReading } from './families.ts';
import { format, grouped, readingKey, readingOptions } from './format.ts';
import { adaptedWeights, converged, metaWeights, pairedDifference, pooled } from './measures.ts';
import { missingRows } from './missing.ts';
import { isAblation } from './result.ts';
import type { ToyResult } from './result.ts';
import { paperOrder, tableOne } from './table-one.ts';

const order = [...Object.keys(tableOne).slice(0, 4), 'hsml', ...Object.keys(tableOne).slice(4)];
const rank = (name: string): number => {
  const base = order.findIndex((row) => row === name);
  return base < 0 ? order.length : base;
};

/** As in Table 1, what it does not have after it. */
export const inOrder = (results: readonly ToyResult[]): ToyResult[] =>
  [...results].sort((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name) || a.seed - b.seed);

/** How many tasks diverged, and the average of the others where there are such. */
function divergedCells(errors: readonly number[]): [string, string] {
  const others = converged(errors);
  const count = errors.length - others.length;
  return [`${count}`, count === 0 ? '' : format(intervalOf(others))];
}

/** Errors by family, their average, and what diverged. */
const errorCells = (result: ToyResult): string[] => [
  ...families.map((family) => format(intervalOf(result.errors[family]))),
  format(intervalOf(pooled(result))),
  ...divergedCells(pooled(result)),
];
const errorColumns = [...families, 'average', 'diverged', 'average of the others'];

function publishedCell(name: string, column: 'harmonic' | 'average'): string {
  const figure = tableOne[name]?.[column];
  return figure ? format({ mean: figure[0], half: figure[1] }) : '';
}

/** Weights that a task adapts, and all that meta-training learns. */
function weightCells(result: ToyResult): [string, string] {
  const all = metaWeights(result);
  return [weightsText(adaptedWeights(result)), all === null ? '' : grouped(all)];
}

const cellsOf = (result: ToyResult): string[] => [
  result.name,
  `${result.seed}`,
  ...weightCells(result),
  ...errorCells(result),
  publishedCell(result.name, 'harmonic'),
  publishedCell(result.name, 'average'),
];

function readingSection(reading: string, results: readonly ToyResult[]): string {
  const main = table(
    ['row', 'seed', 'weights', 'meta-weights', ...errorColumns, 'paper: harmonic', 'paper: average'],
    results.map(cellsOf),
  );
  const pairs = results
    .filter(({ name }) => name === 'm-nas')
    .flatMap((own) => {
      const shared = results.find(({ name, seed }) => name === 'm-nas-shared' && seed === own.seed);
      return shared ? [[own.seed, pairedDifference(own, shared)] as const] : [];
    });
  const paired =
    pairs.length === 0
      ? ''
      : `\nM-NAS minus M-NAS-Shared on the same tasks (negative: M-NAS is better):\n\n${table(
          ['seed', ...families, 'average'],
          pairs.map(([seed, difference]) => [
            `${seed}`,
            ...[...families, 'average' as const].map((column) => format(difference[column])),
          ]),
        )}\n`;
  return `## ${reading}\n\n${main}\n${paired}`;
}

function architectureSection(results: readonly ToyResult[]): string {
  const rows = results
    .filter(({ genotypes }) => Object.keys(genotypes.sinusoid).length > 0)
    .map((result) => {
      const all = new Set(families.flatMap((family) => Object.keys(result.genotypes[family])));
      return [
        result.name,
        `${result.seed}`,
        `${all.size}`,
        ...families.map((family) =>
          Object.entries(result.genotypes[family])
            .sort(([, a], [, b]) => b - a)
            .slice(0, 3)
            .map(([key, count]) => `\`${key}\` ${count}`)
            .join(', '),
        ),
      ];
    });
  return `## Architectures that the test tasks decode to\n\nA node's two edges are written source and operation (l: linear, s: skip connection), nodes separated by points.\n\n${table(
    ['row', 'seed', 'distinct', ...families],
    rows,
  )}\n`;
}

function runSection(results: readonly ToyResult[]): string {
  return `## Runs\n\nA row of the paper's table with fewer than 70,000 meta-iterations says why in its configuration.\n\n${table(
    ['row', 'seed', 'meta-iterations', 'skipped', 'hours', 'commit', 'command'],
    results.map(({ name, seed, reading, iterations, skipped, seconds, commit, configuration, engine }) => [
      name,
      `${seed}`,
      `${iterations}`,
      `${skipped}`,
      (seconds / 3600).toFixed(2),
      commit,
      `\`npm run benchmark -- ${configuration ? `toy --rows ${name} --seeds ${seed}${engine ? ` --engine ${engine}` : ''}` : 'toy-oracles'}${readingOptions(reading)}\``,
    ]),
  )}\n`;
}

/** How far the best rows are from the paper's figures and from half of them, in the main reading. */
function goalSection(results: readonly ToyResult[]): string {
  const paper = tableOne['m-nas']!;
  const rows = results
    .filter(({ name, reading }) => name.startsWith('m-nas') && isMainReading(reading))
    .map((result) => {
      const average = intervalOf(pooled(result)).mean;
      const harmonic = intervalOf(result.errors.harmonic).mean;
      const against = (value: number, bound: number): string =>
        `${value <= bound ? 'reached' : 'missed'} (${(value / bound).toFixed(2)} times it)`;
      return [
        result.name,
        `${result.seed}`,
        average.toFixed(3),
        against(average, paper.average[0]),
        against(average, 0.17),
        harmonic.toFixed(3),
        against(harmonic, paper.harmonic[0]),
        against(harmonic, 0.6),
      ];
    });
  const header = [
    'row',
    'seed',
    'average',
    `paper's ${paper.average[0]}`,
    'goal 0.17',
    'harmonic',
    `paper's ${paper.harmonic[0]}`,
    'goal 0.6',
  ];
  return `## Against the paper and the goals\n\n${table(header, rows)}\n`;
}

/** Whether the rows stand in the paper's order, in the main reading and without the tasks that diverged. */
function orderSection(results: readonly ToyResult[]): string {
  const averages = results
    .filter(({ reading }) => isMainReading(reading))
    .map((result) => [result.name, intervalOf(converged(pooled(result))).mean] as const);
  const { rows, agreeing, pairs } = paperOrder(averages);
  const header = ['row', 'average', 'rank', 'times M-NAS', "paper's average", 'rank', 'times M-NAS'];
  return rows.length < 2
    ? ''
    : `## The paper's order\n\nMean over the seeds, without the tasks that diverged. ${agreeing} of ${pairs} pairs of rows stand in the paper's order.\n\n${table(header, rows)}\n`;
}

/** Short runs beside each other: the first is the one that the others differ from by what their name says. */
function ablationSection(results: readonly ToyResult[]): string {
  const rows = results.map((result) => [
    result.name,
    `${result.seed}`,
    `${result.iterations}`,
    ...errorCells(result),
  ]);
  const header = ['row', 'seed', 'meta-iterations', ...errorColumns];
  return rows.length === 0
    ? ''
    : `## Ablations\n\nShort runs in the main reading; what each has less or differently is in its file in \`training/configs/toy/\`.\n\n${table(header, rows)}\n`;
}

/** docs/results/toy.md, as Markdown. */
export function toyReport(unordered: readonly ToyResult[], figures: readonly FigureTitle[]): string {
  const all = inOrder(unordered);
  const results = all.filter((result) => !isAblation(result));
  const readings = [...new Set(results.map(({ reading }) => readingKey(reading)))];
  const sections = readings.map((key) =>
    readingSection(
      key,
      results.filter(({ reading }) => readingKey(reading) === key),
    ),
  );
  return [
    '# Toy regression (Table 1)',
    '',
    'Mean squared error ± 95 % interval over 1,000 test tasks a family, 10 shots. Written by `npm run benchmark -- toy-report` from `docs/results/toy/*.json`. A task counts as diverged when its error is above 1,000, more than the square of any value of the functions. `weights` are those that a task adapts, of the smallest and the largest decoded cell where these differ; `meta-weights` are all that meta-training learns. What each row is, and where it departs from its paper: [paper-map.md](../paper-map.md) and `training/configs/toy/`.',
    '',
    conclusionSection(results),
    missingSection(missingRows(results)),
    goalSection(results),
    orderSection(results),
    ...sections,
    bestSection(results),
    divergedSection(results),
    ablationSection(all.filter(isAblation)),
    architectureSection(results),
    figureSection(figures, 'toy/figures'),
    runSection(all),
  ].join('\n');
}
