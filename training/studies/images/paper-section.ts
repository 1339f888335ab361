import { table } from '../../report/markdown.ts';
import { percent, thousands } from './format.ts';
import { accuracy, allColumns, domainColumn, meanWeights, textureColumn } from './measures.ts';
import { protocolDifferences, published, studyRows } from './paper.ts';
import type { ImageResult } from './result.ts';

/** The paper's tables with the study's figures of the nearest domains below each row. */
export function paperSection(results: readonly ImageResult[]): string {
  const nearest = [domainColumn('bird'), textureColumn, domainColumn('aircraft'), domainColumn('grocery')];
  const multi = allColumns(results).find(({ name }) => name === 'multi');
  const ownRows = (row: string, figures: (result: ImageResult) => string[]): string[][] =>
    results
      .filter(({ name }) => name === row)
      .map((result) => [`${row}, seed ${result.seed}`, thousands(meanWeights(result)), ...figures(result)]);
  const tableTwo = studyRows.flatMap((row) => {
    const paper = published[row]!.tableTwo;
    if (!paper) return [];
    const figures = [...paper.oneShot, paper.fiveShot].map((value) => value?.toFixed(2) ?? '');
    const own = ownRows(row, (result) => [
      ...nearest.map((column) => percent(accuracy(result, column, 1, 'transductive'))),
      ...[1, 5].map((shot) => percent(multi ? accuracy(result, multi, shot, 'transductive') : null)),
    ]);
    return [[`${row}, paper`, paper.weights, ...figures], ...own];
  });
  const tableThree = studyRows.flatMap((row) => {
    const paper = published[row]!.tableThree;
    if (!paper) return [];
    const own = ownRows(row, (result) => [
      percent(accuracy(result, domainColumn('mini-imagenet'), 1, 'transductive')),
    ]);
    const figure = percent({ mean: paper.accuracy, half: paper.interval });
    return [[`${row}, paper`, paper.weights, figure], ...own];
  });
  return `## Beside the paper's Tables 2 and 3

Accuracy in percent, 5-way; of the study in transductive mode, the paper's. The figures are not of one protocol; what can be compared is the order of the rows and their distances. The differences:

${protocolDifferences.map((difference) => `- ${difference}`).join('\n')}

${table(['Table 2', 'weights', 'Bird: bird', 'Texture: texture + dtd', 'Aircraft: aircraft', 'Fungi: grocery', 'average, 1-shot', 'average, 5-shot'], tableTwo)}

${table(['Table 3', 'weights', 'MiniImagenet, 1-shot: mini-imagenet'], tableThree)}
`;
}
