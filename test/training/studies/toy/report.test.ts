import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseRegressionKey, regressionKey } from '../../../../model/regression/cell.ts';
import { toyConfigurationSchema } from '../../../../training/studies/toy/configuration.ts';
import { byFamily, families, mainReading } from '../../../../training/studies/toy/families.ts';
import { projected } from '../../../../training/report/figures/projection.ts';
import { heldOutTasks } from '../../../../training/studies/toy/batch.ts';
import { divergedSection } from '../../../../training/studies/toy/diverged-section.ts';
import { pointRange, shownTasks } from '../../../../training/studies/toy/fits.ts';
import { toyFigures } from '../../../../training/studies/toy/figures/table.ts';
import { inOrder, toyReport } from '../../../../training/studies/toy/report.ts';
import { readEmbeddings, readResults } from '../../../../training/studies/toy/result.ts';
import type { ToyEmbeddings, ToyResult } from '../../../../training/studies/toy/result.ts';

const configuration = toyConfigurationSchema.parse({
  name: 'm-nas',
  seed: 1,
  method: { kind: 'm-nas' },
  stages: [{ stage: 'search', iterations: 1 }],
});

function resultOf(name: string, seed: number, errors: readonly number[]): ToyResult {
  const shown = shownTasks({ reading: mainReading, points: { support: 10, query: 10 } });
  return {
    name,
    seed,
    commit: 'abc',
    reading: mainReading,
    configuration: { ...configuration, name, seed },
    iterations: 70_000,
    seconds: 3600,
    skipped: 2,
    curve: [{ iteration: 1, errors: byFamily(() => 0.5) }],
    fits: byFamily((family) => shown[family].truth),
    errors: byFamily(() => errors),
    genotypes: byFamily((family) => ({ [family === 'linear' ? '0s1s.0s1s' : '0l1s.1l2l']: errors.length })),
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
    expect(row('| m-nas | 1 | 0.200 ± 0.196')).toContain('| 0.200 ± 0.074 | 0 |  | 1.232 ± 0.121');
    expect(row('| maml | 1 |')).toContain('| 4 | 1.000 ± 0.000 | 2.210');
    expect(row('| mt-net | 1 | ∞')).toContain('| 4 | 1.000 ± 0.000 | 2.213');
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
