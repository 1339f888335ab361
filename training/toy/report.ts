import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { intervalOf } from '../statistics.ts';
import type { Interval } from '../statistics.ts';
import type { ToyResult } from './result.ts';
import { byFamily, families } from './families.ts';
import type { Family, Reading } from './families.ts';

/** Table 1 of the paper: harmonic and average of the four families. */
const published: Readonly<Record<string, readonly [harmonic: string, average: string]>> = {
  maml: ['2.210 ± 0.364', '1.941 ± 0.376'],
  'mt-net': ['2.213 ± 0.358', '2.031 ± 0.359'],
  bmaml: ['2.073 ± 0.361', '1.925 ± 0.324'],
  mumomaml: ['1.786 ± 0.184', '0.524 ± 0.031'],
  'hsml-flat': ['1.687 ± 0.171', '0.502 ± 0.041'],
  'm-nas-nm': ['1.973 ± 0.186', '1.772 ± 0.356'],
  'm-nas-shared': ['1.264 ± 0.117', '0.360 ± 0.037'],
  'm-nas': ['1.232 ± 0.121', '0.352 ± 0.032'],
};

const order = [...Object.keys(published).slice(0, 4), 'hsml', ...Object.keys(published).slice(4)];
const rank = (name: string): number => {
  const base = order.findIndex((row) => row === name);
  return base < 0 ? order.length : base;
};

export async function readResults(folder: string): Promise<ToyResult[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json'));
  const results = await Promise.all(
    files.map(async (file) => JSON.parse(await readFile(join(folder, file), 'utf8')) as ToyResult),
  );
  return results.sort(
    (a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name) || a.seed - b.seed,
  );
}

const format = ({ mean, half }: Interval): string => `${mean.toFixed(3)} ± ${half.toFixed(3)}`;

/** All tasks of a run, family after family. */
const pooled = ({ errors }: ToyResult): number[] => families.flatMap((family) => [...errors[family]]);

const readingKey = ({ xStd, query }: Reading): string =>
  `x ~ N(u, ${(xStd ** 2).toFixed(0)}), query ${query}`;

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

const cellsOf = (result: ToyResult): string[] => [
  result.name,
  `${result.seed}`,
  ...families.map((family) => format(intervalOf(result.errors[family]))),
  format(intervalOf(pooled(result))),
  published[result.name]?.[0] ?? '',
  published[result.name]?.[1] ?? '',
];

/** The mean over the same tasks of a - b, with its paired interval, per family and for all. */
function pairedDifference(a: ToyResult, b: ToyResult): Record<Family | 'average', Interval> {
  const of = (family: Family): number[] => a.errors[family].map((error, i) => error - b.errors[family][i]!);
  const all = families.flatMap(of);
  return { ...byFamily((family) => intervalOf(of(family))), average: intervalOf(all) };
}

function readingSection(reading: string, results: readonly ToyResult[]): string {
  const main = table(
    ['row', 'seed', ...families, 'average', 'paper: harmonic', 'paper: average'],
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
  return `## Runs\n\n${table(
    ['row', 'seed', 'iterations', 'hours', 'commit', 'command'],
    results.map(({ name, seed, iterations, seconds, commit }) => [
      name,
      `${seed}`,
      `${iterations}`,
      (seconds / 3600).toFixed(2),
      commit,
      `\`npm run benchmark -- ${seed === 0 ? 'toy-oracles' : `toy --rows ${name} --seeds ${seed}`}\``,
    ]),
  )}\n`;
}

/** docs/results/toy.md, as Markdown. */
export function toyReport(results: readonly ToyResult[]): string {
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
    'Mean squared error ± 95 % interval over 1,000 test tasks a family, 10 shots. Written by `npm run benchmark -- toy-report` from `docs/results/toy/*.json`.',
    '',
    ...sections,
    architectureSection(results),
    runSection(results),
  ].join('\n');
}
