import { table } from '../../report/markdown.ts';
import { percent, signed, thousands } from './format.ts';
import { verdictOf } from './goals.ts';
import {
  accuracy,
  coreHours,
  counterpart,
  domainColumn,
  meanWeights,
  pairedDifference,
  trainingTasks,
} from './measures.ts';
import { published } from './paper.ts';
import { alonePrefix, isAlone } from './result.ts';
import type { ImageResult } from './result.ts';

/** Rows of the study that are trained on mini-imagenet alone, too, as the paper's Table 3 has them. */
export const aloneRows = ['maml', 'conv4-class-means', 'hsml', 'm-nas-nm', 'm-nas-shared', 'm-nas'].map(
  (row) => `${alonePrefix}${row}`,
);

const mini = domainColumn('mini-imagenet');

/** What is to be reached at one shot, transductive as in the paper, percent. */
const goals: Readonly<Record<string, { readonly least: number; readonly text: string }>> = {
  'mini-m-nas': { least: 51.37, text: 'the paper’s figure' },
  'mini-maml': { least: 46.7, text: '2 points below the published 48.7' },
};

function verdicts(result: ImageResult): string[] {
  const goal = goals[result.name];
  const reached = accuracy(result, mini, 1, 'transductive');
  if (!goal || !reached) return [];
  const verdict = verdictOf(reached.mean - goal.least);
  return [`- ${result.name}, seed ${result.seed}: ${goal.least} %, ${goal.text}, is ${verdict}.`];
}

/** Table 3: what was trained on mini-imagenet alone, for one image a class. Empty where nothing was. */
export function aloneSection(results: readonly ImageResult[]): string {
  const rows = results.filter(isAlone).map((result) => {
    const { name, seed } = result;
    const maml = counterpart(result, `${alonePrefix}maml`, results);
    const difference = maml && maml !== result ? pairedDifference(result, maml, mini, 1) : null;
    const paper = published[name.slice(alonePrefix.length)]?.tableThree;
    return [
      name,
      `${seed}`,
      thousands(meanWeights(result)),
      `${trainingTasks(result, (stage) => stage !== 'retrain')}`,
      `${trainingTasks(result, (stage) => stage === 'retrain')}`,
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
