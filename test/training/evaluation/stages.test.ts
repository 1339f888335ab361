import { beforeAll, describe, expect, it } from 'vitest';
import { parseModelConfiguration } from '../../../model/configuration.ts';
import { parseGenotypeKey } from '../../../model/search-space/genotype.ts';
import { evaluateCheckpoint } from '../../../training/evaluation/evaluate-checkpoint.ts';
import { evaluateOpenSets } from '../../../training/evaluation/open-set-report.ts';
import { evaluateStages, stagesTables } from '../../../training/evaluation/stages-report.ts';
import type { StagesReport } from '../../../training/evaluation/stages-report.ts';
import type { PlaneDomain } from '../../../training/planes/plane-domain.ts';
import { writeNoisePlanes } from '../../support/noise-planes.ts';
import { genotypesByDepth, randomTrunkCheckpoint, trunkConfiguration } from '../../support/random-trunk.ts';
import { sharedFolder } from '../../support/shared-folder.ts';

const configuration = trunkConfiguration();
// of one architecture: without any, every task compiles graphs of its own, as those of the other do
const checkpoint = randomTrunkCheckpoint(configuration, {
  genotypes: genotypesByDepth.slice(2),
});
const other = randomTrunkCheckpoint(configuration, { id: 'other', seed: 2 });
const options = {
  ...{ split: 'test' as const, way: 3, shots: [1, 2], query: 6, tasks: 6, seed: 11, workers: 1 },
  ...{ floors: false, plain: true },
};

const folder = sharedFolder();
let domain: PlaneDomain;
let reports: StagesReport[];
beforeAll(async () => {
  domain = await writeNoisePlanes(folder(), 'noise', configuration, {
    splits: ['test', 'test', 'test', 'test'],
    count: 8,
    views: { mirror: true, crops: 2, served: true },
  });
  reports = await evaluateStages(checkpoint, [other], [domain], options);
});

describe('the table of stages', () => {
  it('has the answers as served of both checkpoints, on the same tasks as an evaluation', async () => {
    for (const [evaluated, row] of [
      [checkpoint, 'as served'],
      [other, 'other'],
    ] as const) {
      const own = await evaluateCheckpoint(evaluated, [domain], options);
      own.forEach(({ served }, i) =>
        expect(100 * reports[i]!.rows[row]!.accuracy.mean).toBeCloseTo(served.mean, 9),
      );
    }
    for (const { rows } of reports) expect(rows['as served']!.difference).toEqual({ mean: 0, half: 0 });
  });

  it('has a row for every stage that the tasks use, for every tap and for the teacher', () => {
    const [one, two] = reports.map(({ rows }) => Object.keys(rows));
    const stages = ['no inner steps', 'no modulation', 'cells alone', 'no cells', 'no mirror images'];
    expect(one).toEqual(expect.arrayContaining([...stages, 'no crops', 'a means', 'last ridge 1, views']));
    expect(two).toEqual(expect.arrayContaining(stages));
    expect(two).not.toContain('no crops'); // crops belong to one shot
  });

  it('has no row for what a checkpoint has not, and takes no two of one name', async () => {
    const [, tap] = configuration.trunk!.taps;
    const plainest = parseModelConfiguration({
      ...trunkConfiguration({ modulator: { kind: 'none' } }),
      ...{ mirroring: undefined, crops: undefined },
      trunk: { ...configuration.trunk, taps: [tap] },
      innerLoop: { steps: 0 },
    });
    const one = await writeNoisePlanes(folder(), 'one', plainest, {
      splits: ['test', 'test', 'test'],
      count: 8,
      views: { mirror: false, crops: 0, served: true },
      teacher: null,
    });
    const genotypes = [parseGenotypeKey('0s1s.1s2i/0i1m.2a0s/b,b,b+')];
    const own = randomTrunkCheckpoint(plainest, { genotypes });
    const asked = { ...options, shots: [2], tasks: 2, plain: false };
    const [report] = await evaluateStages(own, [], [one], asked);
    expect(Object.keys(report!.rows)).toEqual(['as served']);
    await expect(evaluateStages(own, [other, other], [one], asked)).rejects.toThrow(
      'two of the checkpoints that are compared with have the identifier other',
    );
  });

  it('switching a stage off changes answers, where the checkpoint makes use of it', () => {
    for (const name of ['no modulation', 'cells alone', 'no cells', 'no mirror images'])
      expect(
        reports.some(({ rows }) => rows[name]!.difference.half > 0),
        name,
      ).toBe(true);
  });

  it('the answers of the cells alone and of all but the cells differ', () => {
    for (const { rows } of reports)
      expect(rows['cells alone']!.difference).not.toEqual(rows['no cells']!.difference);
  });

  it('has a row for each architecture of a checkpoint of several', async () => {
    const genotypes = ['a,b,b+a,c', 'a,a,b+a'].map((taps) => parseGenotypeKey(`0s1s.1s2i/0i1m.2a0s/${taps}`));
    const both = { ...checkpoint, genotypes };
    const [report] = await evaluateStages(both, [], [domain], { ...options, shots: [2], plain: false });
    const own = Object.keys(report!.rows).filter((name) => name.startsWith('always'));
    expect(own).toEqual(['always architecture 1 of 2, to c', 'always architecture 2 of 2, to b']);
    const [always, other] = own.map((name) => report!.rows[name]!.accuracy.mean);
    expect(always).not.toBe(other);
    const alone = { ...checkpoint, genotypes: genotypes.slice(1) };
    const [only] = await evaluateStages(alone, [], [domain], { ...options, shots: [2], plain: false });
    expect(other).toBe(only!.rows['as served']!.accuracy.mean);
  });

  it('is written with a line a row and the paired difference', () => {
    const [one, two] = stagesTables(reports).split('\n\n');
    expect(one).toContain('| 1-shot | noise, 3-way | mean | from served, paired |');
    expect(two!.split('\n')).toHaveLength(2 + Object.keys(reports[1]!.rows).length);
  });

  it('leaves out shots for which a domain has too few images', async () => {
    const asked = { ...options, shots: [8], plain: false };
    expect(await evaluateStages(checkpoint, [], [domain], asked)).toEqual([]);
  });
});

describe('foreign images on a trunk', () => {
  it('are told by the features that the answer reads: the same for any number of workers, within their range', async () => {
    const asked = { ...options, shots: [2], way: 2, foreign: 2 };
    const [report] = await evaluateOpenSets(checkpoint, [domain], asked);
    expect(report).toMatchObject({ domain: 'noise', shot: 2, tasks: 6 });
    const { auroc, accepted, foreignAccepted, threshold, passed, foreignPassed } = report!;
    for (const { mean } of [auroc, accepted, foreignAccepted]) {
      expect(mean).toBeGreaterThan(0);
      expect(mean).toBeLessThan(100);
    }
    expect(threshold.mean).toBeLessThan(50); // so that it lets more pass than 0.5 does
    expect(passed.mean).toBeGreaterThan(accepted.mean);
    expect(foreignPassed.mean).toBeGreaterThan(foreignAccepted.mean);
    expect(await evaluateOpenSets(checkpoint, [domain], { ...asked, workers: 2 })).toEqual([report]);
  });
});
