import type { MissingRow } from '../../report/missing.ts';
import { claims } from './claims.ts';
import { isMainReading } from './families.ts';
import type { Reading } from './families.ts';
import { readingKey, readingOptions } from './format.ts';
import type { ToyResult } from './result.ts';
import { tableOne } from './table-one.ts';

/** Seeds of every row that a sentence compares. */
const seeds = [1, 2, 3];

/** Rows that the other readings are told by, of one seed each. */
const readingRows = ['maml', 'mumomaml', 'm-nas-shared', 'm-nas'];
const otherReadings: readonly Reading[] = [
  { xStd: Math.SQRT2, query: 'uniform' },
  { xStd: 2, query: 'same' },
  { xStd: 2, query: 'uniform' },
];

const commandOf = (rows: readonly string[], wanted: readonly number[], options = ''): string =>
  `npm run benchmark -- toy --rows ${rows.join(',')} --seeds ${wanted.join(',')}${options}`;

/** What of Table 1, of the comparisons and of the other readings is not trained yet: whole rows first. */
export function missingRows(results: readonly ToyResult[]): MissingRow[] {
  const rows = new Set([...Object.keys(tableOne), ...claims.flatMap(({ row, other }) => [row, other])]);
  const lacking = [...rows].flatMap((row) => {
    const main = results.filter(({ name, reading }) => name === row && isMainReading(reading));
    const left = seeds.filter((seed) => !main.some((result) => result.seed === seed));
    const whole = left.length === seeds.length;
    const label = whole ? row : `${row}, seed ${left.join(', ')}`;
    return left.length === 0 ? [] : [{ whole, row: label, command: commandOf([row], left) }];
  });
  const readings = otherReadings.flatMap((reading) => {
    const has = (row: string): boolean =>
      results.some((result) => result.name === row && readingKey(result.reading) === readingKey(reading));
    const left = readingRows.filter((row) => !has(row));
    const command = commandOf(left, [1], readingOptions(reading));
    return left.length === 0 ? [] : [{ row: `${left.join(', ')} in ${readingKey(reading)}`, command }];
  });
  const listed = [...lacking].sort((a, b) => Number(b.whole) - Number(a.whole));
  return [...listed.map(({ row, command }) => ({ row, command })), ...readings];
}
