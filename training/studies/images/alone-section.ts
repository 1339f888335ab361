import { table } from '../../report/markdown.ts';
import type { MissingRow } from '../../report/missing.ts';
import { percent, signed, thousands } from './format.ts';
import { accuracy, comparable, coreHours, domainColumn, meanWeights, pairedDifference } from './measures.ts';
import { published } from './paper.ts';
import { alonePrefix, isAlone } from './result.ts';
import type { ImageResult } from './result.ts';

/** Rows of the study that are trained on mini-imagenet alone, too, as the paper's Table 3 has them. */
const aloneRows = ['maml', 'conv4-class-means', 'hsml', 'm-nas-nm', 'm-nas-shared', 'm-nas'];

/** The rows of Table 3 that are not trained yet, with the commands that make them. */
export const missingAlone = (results: readonly ImageResult[]): MissingRow[] =>
  aloneRows
    .map((row) => `${alonePrefix}${row}`)
    .filter((row) => !results.some(({ name }) => name === row))
    .map((row) => ({ row, command: `npm run benchmark -- images --rows ${row}` }));

const mini = domainColumn('mini-imagenet');

/** Training tasks of the stages, of which the search's learn no weights that are kept. */
function tasksOf({ stages }: ImageResult): { readonly search: number; readonly weights: number } {
  const total = (search: boolean): number =>
    stages.filter(({ stage }) => (stage !== 'retrain') === search).reduce((sum, { tasks }) => sum + tasks, 0);
  return { search: total(true), weights: total(false) };
}

/** What is to be reached at one shot, transductive as in the paper, percent. */
const goals: Readonly<Record<string, { readonly least: number; readonly text: string }>> = {
  'mini-m-nas': { least: 51.37, text: 'the paper’s figure' },
  'mini-maml': { least: 46.7, text: '2 points below the published 48.7' },
};

function verdicts(result: ImageResult): string[] {
  const goal = goals[result.name];
  const reached = accuracy(result, mini, 1, 'transductive');
  if (!goal || !reached) return [];
  const distance = reached.mean - goal.least;
  const verdict = distance >= 0 ? 'reached' : `missed by ${(-distance).toFixed(2)}`;
  return [`- ${result.name}, seed ${result.seed}: ${goal.least} %, ${goal.text}, is ${verdict}.`];
}

/** Table 3: what was trained on mini-imagenet alone, for one image a class. Empty where nothing was. */
export function aloneSection(results: readonly ImageResult[]): string {
  const rows = results.filter(isAlone).map((result) => {
    const { name, seed } = result;
    const { search, weights } = tasksOf(result);
    const maml = results.find((other) => other.name === `${alonePrefix}maml` && other.seed === seed);
    const difference =
      maml && maml !== result && comparable(result, maml) ? pairedDifference(result, maml, mini, 1) : null;
    const paper = published[name.slice(alonePrefix.length)]?.tableThree;
    return [
      name,
      `${seed}`,
      thousands(meanWeights(result)),
      `${search}`,
      `${weights}`,
      coreHours(result).toFixed(2),
      ...(['transductive', 'served'] as const).map((mode) => percent(accuracy(result, mini, 1, mode))),
      difference ? signed(difference) : '',
      paper ? percent({ mean: paper.accuracy, half: paper.interval }) : '',
    ];
  });
  if (rows.length === 0) return '';
  const header = [
    ...['row', 'seed', 'weights', 'tasks of the search', 'tasks of weights', 'core-hours'],
    ...['transductive', 'served', 'served, ahead of mini-maml', 'paper'],
  ];
  const goalLines = results.flatMap(verdicts);
  return `## Table 3: mini-imagenet alone

5-way 1-shot, percent of right answers. Each row is trained on mini-imagenet alone, the official split with 600 images a class, for one image a class. What a row is: \`training/configs/images/study-mini.yaml\` and the files that extend it.

${table(header, rows)}

${goalLines.length === 0 ? '' : `${goalLines.join('\n')}\n`}`;
}
