import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseRegressionKey, regressionKey } from '../../../../model/regression/cell.ts';
import { toyConfigurationSchema } from '../../../../training/studies/toy/configuration.ts';
import type { ToyConfiguration } from '../../../../training/studies/toy/configuration.ts';
import { byFamily, families, mainReading } from '../../../../training/studies/toy/families.ts';
import { projected } from '../../../../training/report/figures/projection.ts';
import { heldOutTasks } from '../../../../training/studies/toy/batch.ts';
import { divergedSection } from '../../../../training/studies/toy/diverged-section.ts';
import { sharedFolder } from '../../../support/shared-folder.ts';
import { pointRange, shownTasks } from '../../../../training/studies/toy/fits.ts';
import { toyFigures } from '../../../../training/studies/toy/figures/table.ts';
import { inOrder, toyReport } from '../../../../training/studies/toy/report.ts';
import { bestSection } from '../../../../training/studies/toy/best-section.ts';
import { conclusionSection } from '../../../../training/studies/toy/conclusions.ts';
import { missingRows } from '../../../../training/studies/toy/missing.ts';
import { readEmbeddings, readResults, writeResult } from '../../../../training/studies/toy/result.ts';
import type { ToyEmbeddings, ToyResult } from '../../../../training/studies/toy/result.ts';

/** Of the rows that are no M-NAS. */
const methods: Readonly<Record<string, object>> = {
  maml: { kind: 'maml' },
  'maml-wide': { kind: 'maml', learner: { width: 50 } },
  'mt-net': { kind: 'mt-net' },
  mumomaml: { kind: 'mumomaml' },
};

const configured = (name: string, method: object, reinitialize = false) =>
  toyConfigurationSchema.parse({
    name,
    seed: 1,
    method,
    stages: [
      { stage: 'search', iterations: 30_000 },
      { stage: 'retrain', iterations: 40_000, reinitialize },
    ],
  });

const configurations: Readonly<Record<string, ToyConfiguration>> = {
  'm-nas': configured('m-nas', { kind: 'm-nas' }),
  'm-nas-shared': configured('m-nas-shared', { kind: 'm-nas' }, true),
  ...Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, configured(name, method)])),
};

const root = sharedFolder();

function resultOf(name: string, seed: number, errors: readonly number[]): ToyResult {
  const shown = shownTasks({ reading: mainReading, points: { support: 10, query: 10 } });
  return {
    name,
    seed,
    commit: 'abc',
    reading: mainReading,
    configuration: { ...(configurations[name] ?? configurations['m-nas']!), name, seed },
    iterations: 70_000,
    seconds: 3600,
    skipped: 2,
    curve: [{ iteration: 1, errors: byFamily(() => 0.5) }],
    fits: byFamily((family) => shown[family].truth),
    errors: byFamily(() => errors),
    genotypes: byFamily((family) =>
      methods[name] ? {} : { [family === 'linear' ? '0s1s.0s1s' : '0l1s.1l2l']: errors.length },
    ),
  };
}

describe('the toy report', () => {
  it('is the one that the kept results give', async () => {
    const folder = 'docs/results/toy';
    const results = inOrder(await readResults(folder));
    const report = toyReport(results, toyFigures(results, await readEmbeddings(folder)));
    expect(report).toBe(await readFile('docs/results/toy.md', 'utf8'));
    for (const [, path] of report.matchAll(/\]\((toy\/figures\/[^)]+)\)/g))
      expect(await readFile(`docs/results/${path!}`, 'utf8')).toContain('<svg');
  });

  it('tells averages, diverged tasks, paired differences and architectures', () => {
    const results = [
      resultOf('m-nas-shared', 1, [0.5, 0.7]),
      resultOf('m-nas', 1, [0.1, 0.3]),
      resultOf('maml', 1, [1, 1e9]),
      resultOf('mt-net', 1, [1, Number.POSITIVE_INFINITY]),
    ];
    const report = toyReport(results, []);
    const row = (start: string) => report.split('\n').find((line) => line.startsWith(start));
    expect(row('| m-nas | 1 | 151–7,801 | 984,209 | 0.200 ± 0.196')).toContain(
      '| 0.200 ± 0.074 | 0 |  | 1.232 ± 0.121',
    );
    expect(row('| maml | 1 | 7,801 | 7,801 |')).toContain('| 4 | 1.000 ± 0.000 | 2.210');
    expect(row('| mt-net | 1 | 7,801 | 18,003 | ∞')).toContain('| 4 | 1.000 ± 0.000 | 2.213');
    expect(row('| 1 | -0.400')).toMatch(/-0.400 ± 0.000 \|$/);
    expect(row('| m-nas | 1 | 2 |')).toContain('`0s1s.0s1s` 2');
    expect(row('| m-nas | 1 | 0.200 | reached')).toContain('missed (1.18 times it)');
    expect(row('| m-nas-shared | 0.600')).toBe('| m-nas-shared | 0.600 | 2 | 3.0 | 0.360 | 2 | 1.0 |');
    expect(report).toContain('6 of 6 pairs of rows');
    expect(report).toContain('`npm run benchmark -- toy --rows maml --seeds 1`');
    expect(report).not.toContain('## Ablations');
    const short = { ...resultOf('m-nas-10k', 1, [0.2]), iterations: 10_000 };
    const [, ablations] = toyReport([...results, short], []).split('## Ablations');
    expect(ablations).toContain('| m-nas-10k | 1 | 10000 | 0.200 ± 0.000');
  });
});

describe('the conclusions', () => {
  const partOf = (text: string, title: string): string | undefined =>
    text.split('### ').find((part) => part.startsWith(`${title}\n`));
  const told = conclusionSection([
    resultOf('m-nas', 1, [0.3, 0.5, 0.4, 0.4]),
    resultOf('m-nas', 2, [0.3, 0.5, 0.4, 0.4]),
    resultOf('m-nas-shared', 1, [0.6, 0.7, 0.6, 0.7]),
    resultOf('m-nas-shared', 2, [0.5, 0.6, 0.5, 0.6]),
    resultOf('m-nas-shared', 3, [9, 9, 9, 9]), // no run of m-nas has this seed
    resultOf('mumomaml', 1, [0.1, 0.2, 0.1, 0.2]),
    resultOf('maml', 2, [0.1, 0.7, 0.5, 2000]),
    resultOf('maml-wide', 1, [0.5, 0.7, 0.6, 0.6]),
  ]);

  it('tell first what a row is not ahead of, with the seeds, the sizes and the lengths', () => {
    expect(told.indexOf('### Not ahead')).toBeLessThan(told.indexOf('### Ahead'));
    const not = partOf(told, 'Not ahead');
    expect(not).toContain(
      '- m-nas is 0.250 ± 0.025 above mumomaml: cells against fully connected layers. Seed 1. ' +
        'Equal size (151–7,801 against 7,801 weights), equal length (70,000 iterations of weights).',
    );
    expect(not).toMatch(
      /- m-nas and maml are not told apart \(−0.033 ± 0.\d+\): .* Without 4 of the test tasks, on which one diverged./,
    );
    expect(partOf(told, 'Ahead')).toContain('- m-nas is 0.200 ± 0.000 below maml-wide');
  });

  it('do not take an unequal comparison for an equal one', () => {
    const unequal = partOf(told, 'Ahead, but not at equal size and length');
    expect(unequal).toMatch(/- m-nas is 0.200 ± 0.\d+ below m-nas-shared: .* Seeds 1, 2: −0.250, −0.150. /);
    expect(unequal).toContain('unequal length (70,000 against 40,000 iterations of weights)');
    expect(partOf(told, 'Ahead')).not.toContain('m-nas-shared');
  });

  it('tell what cannot be said, and why', () => {
    const open = partOf(told, 'Cannot be said yet');
    expect(open).toContain(
      '- m-nas against fixed-cell, searched cells against one that is given: fixed-cell missing.',
    );
    const apart = conclusionSection([resultOf('m-nas', 1, [0.3]), resultOf('maml', 2, [0.3])]);
    expect(partOf(apart, 'Cannot be said yet')).toContain('layers: no seed in common.');
    expect(apart).not.toContain('### Not ahead');
  });

  it('tell how the rows stand to the paper', () => {
    const paper = partOf(told, 'Against the paper');
    expect(paper).toContain('- m-nas has 0.400 on average (seeds 1, 2), in the paper 0.352 ± 0.032.');
    expect(paper).toContain('m-nas is first there, here behind mumomaml');
  });
});

describe('the best state in validation', () => {
  const curve = [1, 30_000, 40_000, 50_000, 70_000].map((iteration, i) => ({
    iteration,
    errors: byFamily(() => [9, 0.1, 0.5, 0.4, 0.8][i]!),
  }));

  it('is one of decoded cells, and is told beside the last', () => {
    const kept = resultOf('m-nas', 1, [0.8, 0.9]);
    const best = { iteration: 50_000, validation: 0.4, errors: byFamily(() => [0.4, 0.5]) };
    const report = bestSection([{ ...kept, curve, best }]);
    expect(report).toContain(
      '| m-nas | 1 | 50,000 | 0.400 | 0.800 | 0.450 ± 0.037 | 0.850 ± 0.037 | -0.400 ± 0.000 |',
    );
    expect(conclusionSection([{ ...kept, curve, best }])).toContain(
      '- m-nas, seed 1, was best in validation at iteration 50,000 (0.400) and ends at 0.800. On test tasks that state has 0.450.',
    );
  });

  it('of an earlier run, and of one that searches nothing, is told by its curve', () => {
    const report = bestSection([
      { ...resultOf('m-nas', 1, [0.8, 0.9]), curve },
      { ...resultOf('maml', 1, [0.8, 0.9]), curve },
    ]);
    expect(report).toContain('| m-nas | 1 | 50,000 | 0.400 | 0.800 | not kept | 0.850 ± 0.037 |  |');
    expect(report).toContain('| maml | 1 | 30,000 | 0.100 | 0.800 | not kept |');
    expect(bestSection([{ ...resultOf('m-nas', 1, [0.8]), curve: [] }])).toBe('');
  });

  it('comes back from its file, with the tasks that left the range of numbers', async () => {
    const folder = root('results');
    const errors = byFamily(() => [0.5, Number.POSITIVE_INFINITY]);
    const result = { ...resultOf('m-nas', 1, [0.5]), best: { iteration: 3, validation: 0.5, errors } };
    await writeResult(folder, result);
    expect(await readResults(folder)).toEqual([
      JSON.parse(JSON.stringify(result), (_, value: unknown) => value ?? Infinity),
    ]);
  });
});

describe('what is missing', () => {
  it('is listed with its command, whole rows first', () => {
    const missing = missingRows([
      ...[1, 2, 3].map((seed) => resultOf('m-nas', seed, [0.5])),
      resultOf('maml', 2, [0.5]),
      { ...resultOf('m-nas', 1, [0.5]), reading: { xStd: 2, query: 'same' } },
    ]);
    expect(missing.map(({ row }) => row)).not.toContain('m-nas');
    const find = (start: string) => missing.findIndex(({ row }) => row === start);
    expect(missing[find('fixed-cell')]!.command).toBe(
      'npm run benchmark -- toy --rows fixed-cell --seeds 1,2,3',
    );
    expect(missing[find('maml, seed 1, 3')]!.command).toBe(
      'npm run benchmark -- toy --rows maml --seeds 1,3',
    );
    expect(find('fixed-cell')).toBeLessThan(find('maml, seed 1, 3'));
    expect(missing[find('maml, mumomaml, m-nas-shared in x ~ N(u, 4), query same')]!.command).toBe(
      'npm run benchmark -- toy --rows maml,mumomaml,m-nas-shared --seeds 1 --x-variance 4 --query same',
    );
  });
});

describe('the tasks that diverged', () => {
  it('are told by their place among the support values of their family', () => {
    const reading = { xStd: Math.SQRT2, query: 'same' } as const;
    const points = { support: 10, query: 10 };
    const squares = heldOutTasks('test', { reading, points }, 'linear', 0, 20).map(({ supportY }) =>
      supportY.reduce((total, y) => total + y * y, 0),
    );
    const largest = squares.indexOf(Math.max(...squares));
    const errors = squares.map((_, task) => (task === largest ? Number.POSITIVE_INFINITY : 0.1));
    const result = resultOf('mt-net', 1, [0.1]);
    const own = { ...result, errors: { ...result.errors, linear: errors } };
    expect(divergedSection([own])).toContain('| mt-net | 1 | linear | 1 of 20 | 1 |');
    expect(divergedSection([result])).toBe('');
  });
});

describe('figures', () => {
  it('show the fits, the curves, the cells and the embeddings', async () => {
    const embedded = byFamily((family) =>
      Array.from({ length: 8 }, (_, i) => [families.indexOf(family) + 0.1 * i, i, 1]),
    ) satisfies ToyEmbeddings;
    const figures = toyFigures([resultOf('m-nas', 3, [0.5])], { 'm-nas-3': embedded });
    expect(figures.map(({ name }) => name)).toEqual(['fits', 'curves', 'cells-m-nas-3', 'embeddings']);
    const [fits, curves, cells, embeddings] = await Promise.all(figures.map(({ svg }) => svg()));
    for (const family of families) expect(fits).toContain(family);
    // an unbroken line of the function and one of the fit for each family, though their grids differ
    const lines = [...fits!.matchAll(/<path[^>]* d="([^"]*)"[^>]*stroke="(#0072b2|#bbbbbb)"/g)];
    expect(lines).toHaveLength(2 * families.length);
    for (const [, path] of lines) expect(path!.split('M')).toHaveLength(2);
    expect(curves).toContain('meta-iterations');
    expect(cells).toContain('linear');
    expect(cells).toContain('quadratic 1');
    expect(embeddings).toContain('sinusoid');
    expect(await figures[3]!.svg()).toBe(embeddings);
  });

  it('show both panels of embeddings, M-NAS-Shared and M-NAS, with groups that stay together', async () => {
    const apart = byFamily((family) =>
      Array.from({ length: 12 }, (_, i) => [20 * families.indexOf(family), 0.1 * i, 0]),
    ) satisfies ToyEmbeddings;
    const rows = [resultOf('m-nas-shared', 1, [0.5]), resultOf('m-nas', 1, [0.4])];
    const kept = { 'm-nas-shared-1': apart, 'm-nas-1': apart };
    const figure = toyFigures(rows, kept).at(-1)!;
    expect(figure.title).toContain('t-SNE of the embeddings of 48 test tasks');
    expect(figure.title).toContain('(a) m-nas-shared, seed 1; (b) m-nas, seed 1');
    const svg = await figure.svg();
    expect(svg).toContain('(a) m-nas-shared, seed 1');
    expect(svg).toContain('(b) m-nas, seed 1');
    const points = projected(families.flatMap((family) => apart[family]));
    const distance = (i: number, j: number): number =>
      Math.hypot(points[i]![0]! - points[j]![0]!, points[i]![1]! - points[j]![1]!);
    points.forEach((_, i) => {
      const others = points.flatMap((__, j) => (j === i ? [] : j));
      const nearest = others.reduce((a, b) => (distance(i, b) < distance(i, a) ? b : a));
      expect(Math.floor(nearest / 12)).toBe(Math.floor(i / 12));
    });
  });

  it('show fits over [-5, 5], and those that were kept before as far as they go', () => {
    const shown = shownTasks({
      reading: { xStd: Math.SQRT2, query: 'same' },
      points: { support: 10, query: 10 },
    });
    for (const family of families) {
      const { grid, range, truth, task } = shown[family];
      expect(range[0]).toBeLessThanOrEqual(-5);
      expect(range[1]).toBeGreaterThanOrEqual(5);
      expect([grid[0], grid.at(-1)]).toEqual([range[0], range[1]]);
      expect(truth).toHaveLength(grid.length);
      const [low, high] = pointRange(task);
      expect(low).toBeLessThan(Math.min(...task.supportX));
      expect(high).toBeGreaterThan(Math.max(...task.supportX));
    }
  });

  it('read genotypes back from their keys', () => {
    for (const key of ['0l1s.1l2l', '0s1s.0s1s.3l4s'])
      expect(regressionKey(parseRegressionKey(key))).toBe(key);
    expect(() => parseRegressionKey('0x1s')).toThrow(RangeError);
    expect(() => parseRegressionKey('')).toThrow(RangeError);
  });
});
