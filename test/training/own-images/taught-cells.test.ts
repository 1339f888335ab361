import { beforeAll, describe, expect, it } from 'vitest';
import { genotypeKey } from '../../../model/search-space/genotype.ts';
import { parameterSpecifications } from '../../../model/parameters.ts';
import { trainingConfigurationSchema } from '../../../training/outer-loop/configuration.ts';
import { withFreedShares } from '../../../training/own-images/freed-shares.ts';
import { withTaughtCells } from '../../../training/own-images/taught-cells.ts';
import type { PlaneDomain } from '../../../training/planes/plane-domain.ts';
import { RunFolder } from '../../../training/run/run-folder.ts';
import { writeNoisePlanes } from '../../support/noise-planes.ts';
import { genotypesByDepth, randomTrunkCheckpoint, trunkConfiguration } from '../../support/random-trunk.ts';
import { sharedFolder } from '../../support/shared-folder.ts';

const plain = trunkConfiguration();
const model = {
  ...plain,
  trunk: { ...plain.trunk!, shares: { start: { cells: 0.2, a: 0.2, b: 0.6 }, bound: 0.4 } },
};
const before = randomTrunkCheckpoint(model, { genotypes: genotypesByDepth.slice(1) });
const checkpoint = withFreedShares(before, { cells: 0.4, bound: 1 });

const root = sharedFolder();
let domain: PlaneDomain;
beforeAll(async () => {
  const views = { mirror: true, crops: 1, served: false };
  const splits = ['train', 'train', 'train', 'train', 'train', 'test'] as const;
  domain = await writeNoisePlanes(root(), 'mine', model, { splits, count: 6, views, teacher: null });
});

const configured = (iterations: number) =>
  trainingConfigurationSchema.parse({
    name: 'mine',
    seed: 1,
    model: checkpoint.configuration,
    planes: { trunk: 'unused', taps: ['a', 'b', 'c'] },
    classify: {
      ...{ iterations, batch: 8, learningRate: 0.05, distillation: 0 },
      architectures: checkpoint.genotypes.map(genotypeKey),
    },
    domains: [{ source: { kind: 'folder', name: 'mine', path: 'unused' }, views: domain.views }],
    stages: [{ stage: 'retrain', iterations: 1, shapes: [{ way: 2, shot: 1, query: 2 }] }],
    workers: 1,
  });

describe('shares of own images', () => {
  it('start from the cells’ new one, the others in proportion, the same for all tasks', () => {
    const { start, bound } = checkpoint.configuration.trunk!.shares!;
    expect(bound).toBe(1);
    expect(Object.entries(start).map(([name, share]) => [name, +share.toFixed(9)])).toEqual([
      ['cells', 0.4],
      ['a', 0.15],
      ['b', 0.45],
    ]);
    for (const part of ['weight', 'bias'])
      expect(new Set(checkpoint.parameters[`conditions.shares.${part}`])).toEqual(new Set([0]));
    expect(before.parameters['conditions.shares.bias']!.some((x) => x !== 0)).toBe(true);
  });

  it('stay where a checkpoint does not bind them', () => {
    const free = randomTrunkCheckpoint(plain);
    expect(withFreedShares(free, { cells: 0.4, bound: 1 })).toBe(free);
  });
});

describe('cells that are taught own images', () => {
  it('begin where the checkpoint’s stand, change weights and statistics alone, and go on exactly after a stop', async () => {
    const [folder, stopped] = ['whole', 'stopped'].map((name) => new RunFolder(root(name)));
    const told: number[] = [];
    const progress = ({ iteration }: { readonly iteration: number }): void => void told.push(iteration);
    const taught = await withTaughtCells(checkpoint, configured(4), [domain], folder!, {
      from: 'new',
      progress,
    });
    expect(told).toEqual([1, 2, 3, 4]);
    expect(taught!.configuration).toEqual(checkpoint.configuration);
    for (const { name, group } of parameterSpecifications(model))
      if (group !== 'weights' && group !== 'statistics')
        expect(taught!.parameters[name], name).toEqual(checkpoint.parameters[name]);
    const name = 'normal.preprocess.0.a';
    const [own, other] = [checkpoint, taught!].map(({ parameters }) => parameters[name]!);
    expect(other).not.toEqual(own);
    own!.forEach((x, i) => expect(Math.abs(x - other![i]!)).toBeLessThan(0.2)); // not drawn anew

    const abort = new AbortController();
    const stop = { signal: abort.signal, progress: () => abort.abort() };
    const asked = [checkpoint, configured(4), [domain], stopped!] as const;
    expect(await withTaughtCells(...asked, { from: 'new', ...stop })).toBeUndefined();
    const resumed = await withTaughtCells(...asked, { from: 'saved' });
    expect(resumed!.parameters).toEqual(taught!.parameters);
  }, 120_000);
});
