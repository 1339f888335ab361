import { describe, expect, it } from 'vitest';
import { initialParameters } from '../../../model/parameters.ts';
import { keyFrom } from '../../../model/random.ts';
import { parseGenotypeKey } from '../../../model/search-space/genotype.ts';
import { evaluateCheckpoint } from '../../../training/evaluation/evaluate-checkpoint.ts';
import { cautionOf, compare, comparisonTable, verdict } from '../../../training/own-images/comparison.ts';
import type { Compared } from '../../../training/own-images/comparison.ts';
import { servingLine } from '../../../training/own-images/served.ts';
import { syntheticDomain } from '../../support/synthetic-domain.ts';
import { tinyImages } from '../../support/tiny-images.ts';

/** Of one architecture, so that one network is compiled. */
const genotypes = [parseGenotypeKey('0s1s/0m1i')];
const before = { ...tinyImages, genotypes };
const other = {
  ...before,
  id: 'other',
  parameters: initialParameters(tinyImages.configuration, keyFrom(2)),
};
const domain = syntheticDomain('noise', 16);
const options = { way: 5, shots: [1], query: 3, tasks: 2, seed: 3, workers: 1 };

describe('a comparison with the checkpoint before', () => {
  it('is of the same tasks, of as many ways as there are classes', async () => {
    const heard: string[] = [];
    const progress = (done: number, total: number): void => void heard.push(`${done}/${total}`);
    const [row] = (await compare(other, before, [domain], { ...options, progress })) as [Compared];
    expect(row).toMatchObject({ domain: 'noise', shot: 1, way: 4, tasks: 2 });
    const asked = { ...options, split: 'test' as const, floors: false };
    const [report] = await evaluateCheckpoint(before, [domain], asked);
    expect(100 * row.before.mean).toBeCloseTo(report!.served.mean, 10);
    expect(row.after.mean).not.toBe(row.before.mean);
    expect(row.difference.mean).toBeCloseTo(row.after.mean - row.before.mean, 10);
    expect(heard.at(-1)).toBe('4/4');
  });

  it('is refused where there is nothing to test on', async () => {
    await expect(compare(other, before, [domain], { ...options, shots: [50] })).rejects.toThrow(
      'noise has 0 test classes of 51 images or more',
    );
  });

  it('says what a test of few images does not tell', () => {
    expect(cautionOf([domain])).toBe(
      'The test has 32 images: its intervals tell how tasks of these differ, not what other images would give.',
    );
    expect(cautionOf([syntheticDomain('many', 2, 4, 50)])).toBeUndefined();
  });

  const row = (mean: number): Compared => ({
    ...{ domain: 'mine', way: 3, shot: 1, tasks: 9 },
    before: { mean: 0.5, half: 0.01 },
    after: { mean: 0.5 + mean, half: 0.01 },
    difference: { mean, half: 0.01 },
  });

  it('ends with how the checkpoint is served, unless it says to keep the one before', () => {
    const line = 'serve it:   npm start';
    expect(servingLine('npm start')).toBe(line); // nothing was compared
    for (const means of [[0.04], [0.01], [-0.01], [-0.04, 0.06]])
      expect([means, servingLine('npm start', means.map(row))]).toEqual([means, line]);
    for (const means of [[-0.04], [-0.04, 0.01]]) {
      expect(verdict(means.map(row), 'old', 'new')).toContain('keep old');
      expect([means, servingLine('npm start', means.map(row))]).toEqual([means, undefined]);
    }
  });

  it('says in words whether it is worth it', () => {
    expect(verdict([row(0.04), row(0.02)], 'old', 'new')).toBe(
      'new is right more often, by 3.0 ± 0.7 points.',
    );
    expect(verdict([row(-0.04)], 'old', 'new')).toContain('less often, by 4.0 ± 1.0 points: keep old');
    expect(verdict([row(0.01)], 'old', 'new')).toContain('No difference can be told');
    expect(comparisonTable([row(-0.04)], 'old', 'new')).toContain(
      '| mine | 3 | 1 | 9 | 50.0 ± 1.0 | 46.0 ± 1.0 | −4.0 ± 1.0 |',
    );
  });
});
