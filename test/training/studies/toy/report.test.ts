import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseRegressionKey, regressionKey } from '../../../../model/regression/cell.ts';
import { toyConfigurationSchema } from '../../../../training/studies/toy/configuration.ts';
import { byFamily, families, mainReading } from '../../../../training/studies/toy/families.ts';
import { shownTasks } from '../../../../training/studies/toy/fits.ts';
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

describe('figures', () => {
  it('show the fits, the curves, the cells and the embeddings', async () => {
    const embedded = byFamily((family) =>
      Array.from({ length: 8 }, (_, i) => [families.indexOf(family) + 0.1 * i, i, 1]),
    ) satisfies ToyEmbeddings;
    const figures = toyFigures([resultOf('m-nas', 3, [0.5])], { 'm-nas-3': embedded });
    expect(figures.map(({ name }) => name)).toEqual([
      'fits',
      'curves',
      'cells-m-nas-3',
      'embeddings-m-nas-3',
    ]);
    const [fits, curves, cells, embeddings] = await Promise.all(figures.map(({ svg }) => svg()));
    for (const family of families) expect(fits).toContain(family);
    expect(curves).toContain('meta-iterations');
    expect(cells).toContain('linear');
    expect(cells).toContain('quadratic 1');
    expect(embeddings).toContain('sinusoid');
    expect(await figures[3]!.svg()).toBe(embeddings);
  });

  it('read genotypes back from their keys', () => {
    for (const key of ['0l1s.1l2l', '0s1s.0s1s.3l4s'])
      expect(regressionKey(parseRegressionKey(key))).toBe(key);
    expect(() => parseRegressionKey('0x1s')).toThrow(RangeError);
    expect(() => parseRegressionKey('')).toThrow(RangeError);
  });
});
