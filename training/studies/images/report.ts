import { figureSection } from '../../report/figures/figure.ts';
import type { FigureTitle } from '../../report/figures/figure.ts';
import { table } from '../../report/markdown.ts';
import { missingSection } from '../../report/missing.ts';
import type { MissingRow } from '../../report/missing.ts';
import type { Interval } from '../../report/statistics.ts';
import { aloneRows, aloneSection } from './alone-section.ts';
import { architectureSection } from './architecture-section.ts';
import { conclusionSection, controls } from './conclusions.ts';
import { percent, signed, thousands } from './format.ts';
import { goalsOf } from './goals.ts';
import {
  accuracy,
  allColumns,
  calibrationError,
  coreHours,
  counterpart,
  domainsOf,
  floorAccuracy,
  meanWeights,
  metaWeights,
  pairedDifference,
  shotsOf,
  settingAt,
  trainingTasks,
} from './measures.ts';
import type { Column, Mode } from './measures.ts';
import { paperSection } from './paper-section.ts';
import { studyRows } from './paper.ts';
import { isAblation, isOfAllDomains } from './result.ts';
import type { ImageResult } from './result.ts';

const isControl = ({ name }: ImageResult): boolean => controls.includes(name);

/** Neither of the paper nor a control, so that it is not of the study's one budget. */
const isBeside = (result: ImageResult): boolean => !studyRows.includes(result.name) && !isControl(result);

/** M-NAS and what is made of it, but not the rows that the study compares it with. */
const isOwn = (result: ImageResult): boolean => result.name === 'm-nas' || isBeside(result);

const rank = (name: string): number => {
  const place = studyRows.indexOf(name);
  return place < 0 ? studyRows.length : place;
};

/** Rows of the study first, in its order. */
export const inOrder = (results: readonly ImageResult[]): ImageResult[] =>
  [...results].sort((a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name) || a.seed - b.seed);

const runCells = ({ name, seed }: ImageResult): string[] => [name, `${seed}`];

/** What of the study is not there yet, with the command that makes it. */
const missingRows = (results: readonly ImageResult[]): MissingRow[] =>
  [...studyRows, ...aloneRows]
    .filter((row) => !results.some(({ name }) => name === row))
    .map((row) => ({ row, command: `npm run benchmark -- images --rows ${row}` }));

function goalSection(results: readonly ImageResult[]): string {
  const rows = results
    .filter(isOwn)
    .flatMap((own) =>
      goalsOf(own, results).map(({ text, shot, figure, verdict }) => [
        ...runCells(own),
        text,
        `${shot}`,
        figure,
        verdict,
      ]),
    );
  return rows.length === 0
    ? ''
    : `## Against the goals\n\n${table(['row', 'seed', 'goal', 'shot', 'figure', 'verdict'], rows)}\n`;
}

const modeTitles: Readonly<Record<Mode, string>> = {
  served: 'served: queries normalised by the statistics of the support set',
  transductive: 'transductive: queries normalised by their own batch, as in the paper',
};

function accuracyTable(results: readonly ImageResult[], shot: number, mode: Mode): string {
  const columns = allColumns(results);
  const rows = results.map((result) => [
    ...runCells(result),
    thousands(meanWeights(result)),
    ...columns.map((column) => percent(accuracy(result, column, shot, mode))),
  ]);
  const measured = results.find(({ settings }) => settings.some(({ floors }) => floors));
  const floorRow = (result: ImageResult, floor: 'pixels' | 'colours'): string[] => [
    `floor: ${floor}`,
    '',
    '',
    ...columns.map((column) => percent(floorAccuracy(result, column, shot, floor))),
  ];
  const floors = measured ? [floorRow(measured, 'pixels'), floorRow(measured, 'colours')] : [];
  const header = ['row', 'seed', 'weights', ...columns.map(({ name }) => name)];
  return `### ${shot}-shot, ${modeTitles[mode]}\n\n${table(header, mode === 'served' ? [...rows, ...floors] : rows)}\n`;
}

function accuracySection(results: readonly ImageResult[]): string {
  if (results.length === 0) return '';
  const tables = shotsOf(results).flatMap((shot) =>
    (['served', 'transductive'] as const).map((mode) => accuracyTable(results, shot, mode)),
  );
  return `## Accuracy\n\nPercent of right answers ± 95 % interval over the test tasks. multi is the mean over bird, aircraft, texture with dtd, and grocery, which stand for the paper's Multi-datasets; mean is over all domains. Of networks that differ from task to task, weights is the mean. Floors: nearest class mean on 16 × 16 pixels, and on a histogram of colours, of the same tasks. dtd has five test classes, so that its intervals cover the choice of images only.\n\n${tables.join('\n')}`;
}

/** What M-NAS is compared with: the other rows of the study, and the controls. */
const comparisons = ['maml', ...controls, ...studyRows.filter((row) => !['maml', 'm-nas'].includes(row))];

/** Served accuracy of a run minus that of row `name` with the same seed; null where they cannot be compared. */
function differenceFrom(
  results: readonly ImageResult[],
  name: string,
  own: ImageResult,
  column: Column,
  shot: number,
): Interval | null {
  const other = counterpart(own, name, results);
  return other ? pairedDifference(own, other, column, shot) : null;
}

function differenceSection(results: readonly ImageResult[]): string {
  const columns = allColumns(results);
  const rows = shotsOf(results).flatMap((shot) =>
    results
      .filter((result) => isOwn(result) || isControl(result))
      .flatMap((own) =>
        comparisons.flatMap((name) => {
          if (name === own.name) return [];
          const cells = columns.map((column) => differenceFrom(results, name, own, column, shot));
          if (cells.every((difference) => difference === null)) return [];
          return [
            [
              `${own.name} − ${name}`,
              `${own.seed}`,
              `${shot}`,
              ...cells.map((difference) => (difference ? signed(difference) : '')),
            ],
          ];
        }),
      ),
  );
  const header = ['difference', 'seed', 'shot', ...columns.map(({ name }) => name)];
  return rows.length === 0
    ? ''
    : `## Paired differences\n\nPoints of served accuracy on the same test tasks ± 95 % interval of the paired differences.\n\n${table(header, rows)}\n`;
}

function calibrationSection(results: readonly ImageResult[]): string {
  const shots = shotsOf(results);
  const rows = results.map((result) => [
    ...runCells(result),
    ...shots.map((shot) => calibrationError(result, shot).toFixed(2)),
  ]);
  return rows.length === 0
    ? ''
    : `## Calibration\n\nExpected calibration error of the served probabilities over the queries of all test tasks, percent, 15 bins.\n\n${table(['row', 'seed', ...shots.map((shot) => `${shot}-shot`)], rows)}\n`;
}

/** Share of the test tasks that were mirrored, of runs whose model does that. */
function mirroringSection(results: readonly ImageResult[]): string {
  const rows = results.flatMap((result) => {
    const shots = new Set(result.settings.flatMap(({ shot, mirrored = 0 }) => (mirrored > 0 ? shot : [])));
    return [...shots].map((shot) => [
      ...runCells(result),
      `${shot}`,
      ...domainsOf(result).map((domain) => {
        const own = settingAt(result, domain, shot);
        return own?.mirrored === undefined ? '' : ((100 * own.mirrored) / own.queries.length).toFixed(1);
      }),
    ]);
  });
  return rows.length === 0
    ? ''
    : `## Mirrored tasks\n\nTest tasks, percent, whose images are answered together with their mirror images, by what the embedding of the support set says ([ADR 15](../adr/0015-mirror-images.md)).\n\n${table(['row', 'seed', 'shot', ...domainsOf(results[0]!)], rows)}\n`;
}

/** Ablations whose children have the inner loop from the start, as the one that they are made of. */
const ofInnerLoop = ['ablation-shared-head', 'ablation-first-order', 'ablation-truncated'];

/** The row that an ablation is made of and compared with. */
const referenceOf = (ablation: string): string =>
  ofInnerLoop.includes(ablation) ? 'ablation-inner-loop' : 'm-nas';

/** Runs that have one thing otherwise than M-NAS; what, is in their configurations. */
function ablationSection(all: readonly ImageResult[]): string {
  const ablations = all.filter(isAblation);
  if (ablations.length === 0) return '';
  const columns = allColumns(ablations);
  const mean = columns.at(-1)!;
  const means = columns.filter(({ name }) => name === 'multi' || name === 'mean');
  const perShot = shotsOf(ablations).map((shot) => ({
    header: [
      ...means.map(({ name }) => `${name}, ${shot}-shot, served`),
      'mean, paired difference',
      'mean, transductive',
      'calibration error',
    ],
    cells: (result: ImageResult): string[] => {
      const difference = differenceFrom(all, referenceOf(result.name), result, mean, shot);
      return [
        ...means.map((column) => percent(accuracy(result, column, shot, 'served'))),
        difference ? signed(difference) : '',
        percent(accuracy(result, mean, shot, 'transductive')),
        calibrationError(result, shot).toFixed(2),
      ];
    },
  }));
  const header = [
    'row',
    'seed',
    'made of',
    'weights',
    'core-hours',
    ...perShot.flatMap((part) => part.header),
  ];
  const rows = ablations.map((result) => [
    ...runCells(result),
    referenceOf(result.name),
    thousands(meanWeights(result)),
    coreHours(result).toFixed(2),
    ...perShot.flatMap(({ cells }) => cells(result)),
  ]);
  return `## Ablations\n\nEach has one thing otherwise than the row that it is made of, sees as many tasks in training, and is tested on the first of that row's test tasks (how many: table "Runs"). What it has otherwise is in its file in \`training/configs/images/\`. Differences are those of served accuracy from that row on the same tasks.\n\n${table(header, rows)}\n`;
}

function runSection(results: readonly ImageResult[]): string {
  if (results.length === 0) return '';
  const rows = results.map((result) => {
    const { stages, protocol, commit, name, seed } = result;
    const parts = stages.map(({ stage, coreSeconds }) => `${stage} ${(coreSeconds / 3600).toFixed(2)}`);
    return [
      ...runCells(result),
      thousands(metaWeights(result)),
      `${trainingTasks(result)}`,
      coreHours(result).toFixed(2),
      parts.join(', '),
      `${protocol.tasks}`,
      commit,
      `\`npm run benchmark -- images --rows ${name} --seeds ${seed}${protocol.tasks === 600 ? '' : ` --tasks ${protocol.tasks}`}\``,
    ];
  });
  const header = [
    'row',
    'seed',
    'meta-weights',
    'training tasks',
    'core-hours',
    'of which',
    'test tasks a domain and shot',
    'commit',
    'command',
  ];
  return `## Runs\n\nCore-hours are seconds of the training iterations times worker threads, without validation. \`meta-weights\` are all that meta-training learns.\n\n${table(header, rows)}\n`;
}

/** What is not of the study's one budget. */
function budgetNote(results: readonly ImageResult[]): string {
  const names = [...new Set(results.filter(isBeside).map(({ name }) => name))].join(', ');
  return names === ''
    ? ''
    : `Beside the study: ${names}, with a budget of its own (table "Runs"), so that its distance to the rows of the study is not one of methods.\n`;
}

/** docs/results/images.md, as Markdown. */
export function imageReport(unordered: readonly ImageResult[], figures: readonly FigureTitle[]): string {
  const all = inOrder(unordered);
  const results = all.filter(isOfAllDomains);
  return [
    '# Few-shot images (Tables 2 and 3)',
    '',
    'One budget (what it came to: table "Runs"), one set of domains and the same test tasks for every row: 5-way, 1 and 5 shots, 15 queries a class, seed 2020, classes that no run has seen. Written by `npm run benchmark -- images-report` from `docs/results/images/*.json`. What each row is: `training/configs/images/`.',
    '',
    ...[
      budgetNote(results),
      conclusionSection(results),
      missingSection(missingRows(all)),
      aloneSection(all),
      goalSection(results),
      accuracySection(results),
      differenceSection(results),
      results.length === 0 ? '' : paperSection(results),
      architectureSection(results),
      mirroringSection(results),
      calibrationSection(results),
      ablationSection(all),
      figures.length === 0 ? '' : figureSection(figures, 'images/figures'),
      runSection(all),
    ].filter((section) => section !== ''),
  ].join('\n');
}
