import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { childWeights } from '../../../../model/network/child.ts';
import { sizeOf } from '../../../../model/graph/shapes.ts';
import type { Genotype, GenotypeEdge } from '../../../../model/search-space/genotype.ts';
import { readStudyConfiguration } from '../../../../training/studies/images/configuration.ts';
import { studyRows } from '../../../../training/studies/images/paper.ts';
import { sharedIterations } from '../../../../training/outer-loop/branch.ts';
import { featureCount, weightSpecifications } from '../../../../model/network/weights.ts';

const folder = 'training/configs/images';
const read = (row: string) => readStudyConfiguration(join(folder, `${row}.yaml`));
const size = (tensors: readonly { readonly shape: readonly number[] }[]): number =>
  tensors.reduce((total, { shape }) => total + sizeOf(shape), 0);

describe('configurations of the image study', () => {
  it('all fit, are named like their files and have the rows of the study', async () => {
    const rows = (await readdir(folder))
      .map((file) => basename(file, '.yaml'))
      .filter((row) => !['study', 'study-mini'].includes(row));
    expect(rows).toEqual(expect.arrayContaining([...studyRows]));
    for (const row of rows) expect((await read(row)).name).toBe(row);
  });

  it('differ in nothing but what their rows are', async () => {
    const { name, ...own } = await read('m-nas');
    expect(name).toBe('m-nas');
    expect(await read('m-nas-nm')).toEqual({
      ...own,
      name: 'm-nas-nm',
      model: { ...own.model, modulator: { kind: 'none' } },
    });
    const shared = await read('m-nas-shared');
    const [search, tune, means, adapted] = own.stages;
    expect(shared).toEqual({
      ...own,
      name: 'm-nas-shared',
      model: { ...own.model, controller: { ...own.model.controller, kind: 'shared' } },
      stages: [search, tune, { ...means, encoder: 'trained' }, { ...adapted, encoder: 'trained' }],
    });
    const maml = await read('maml');
    expect(maml).toEqual({
      ...own,
      name: 'maml',
      model: { ...own.model, network: { kind: 'conv4', filters: 32 }, head: { kind: 'shared' } },
      stages: [{ ...adapted, encoder: 'trained', iterations: maml.stages[0]!.iterations }],
    });
    const control = await read('conv4-class-means');
    expect(control).toEqual({
      ...own,
      name: 'conv4-class-means',
      model: { ...own.model, network: maml.model.network },
      stages: [
        {
          ...means,
          reinitialize: false,
          encoder: 'trained',
          iterations: control.stages[0]!.iterations,
          learningRate: [0.001, 0.0005],
        },
        { ...adapted, encoder: 'trained', iterations: control.stages[1]!.iterations },
      ],
    });
  });

  it('of Table 3 differ in nothing but what their rows are, and see mini-imagenet alone as long', async () => {
    const { name, ...own } = await read('mini-m-nas');
    expect(name).toBe('mini-m-nas');
    expect(own.domains.map(({ source }) => source.name)).toEqual(['mini-imagenet']);
    for (const row of ['m-nas', 'm-nas-nm', 'm-nas-shared', 'maml', 'hsml', 'conv4-class-means']) {
      const [alone, wide] = [await read(`mini-${row}`), await read(row)];
      expect(alone.model, row).toEqual(wide.model);
      expect(alone.method, row).toEqual(wide.method);
      const { domains, validation, controllerLearningRate } = own;
      expect(alone, row).toMatchObject({ domains, validation, controllerLearningRate });
      const weights = alone.stages.filter(({ stage }) => stage === 'retrain');
      expect(
        weights.reduce((sum, { iterations }) => sum + 4 * iterations, 0),
        row,
      ).toBe(60_000);
      expect(weights.at(-1)!.shapes, row).toEqual(own.stages.at(-1)!.shapes);
      // the same stages as with all domains but for their length
      const plain = (of: typeof alone) =>
        of.stages.map(({ stage, learningRate, innerLoop, encoder, reinitialize }) => ({
          stage,
          learningRate,
          innerLoop,
          encoder,
          reinitialize,
        }));
      expect(plain(alone), row).toEqual(plain(wide));
    }
    const search = own.stages.filter(({ stage }) => stage === 'search');
    expect(search.map(({ iterations }) => 4 * iterations)).toEqual([30_000]);
  });

  it('of ablations see as many tasks as M-NAS, and share its stages where they say so', async () => {
    const tasks = async (row: string): Promise<number> => {
      const { stages, metaBatch } = await read(row);
      return stages.reduce((n, stage) => n + stage.iterations * (stage.metaBatch ?? metaBatch), 0);
    };
    const files = (await readdir(folder)).filter((file) => file.startsWith('ablation-'));
    expect(files.length).toBeGreaterThan(5);
    for (const file of files) expect(await tasks(basename(file, '.yaml')), file).toBe(await tasks('m-nas'));
    const own = await read('m-nas');
    for (const file of files) {
      const shared = sharedIterations(await read(basename(file, '.yaml')), own);
      const says = (await readFile(join(folder, file), 'utf8')).includes('--branch-from m-nas');
      expect(shared > 0, file).toBe(says);
    }
  });

  it("of MAML to the letter has MAML's number of weights, and differs in nothing else", async () => {
    const { model, name, ...own } = await read('maml-linear');
    const maml = await read('maml');
    expect({ ...own, name: 'maml', model: maml.model }).toEqual(maml);
    expect(name).toBe('maml-linear');
    expect(model).toEqual({
      ...maml.model,
      image: { size: 84, stride: 1 },
      head: { kind: 'linear', outputs: 5 },
    });
    expect(size(weightSpecifications(model))).toBe(32_773); // 32,901 with biases that normalisation takes away
  });

  it('of MAML at three times its outer rate differs from MAML in nothing else', async () => {
    const maml = await read('maml');
    expect(maml.stages.map(({ learningRate }) => learningRate)).toEqual([[0.001, 0.0001]]);
    expect(await read('maml-tripled-rate')).toEqual({
      ...maml,
      name: 'maml-tripled-rate',
      stages: maml.stages.map((stage) => ({ ...stage, learningRate: [0.003, 0.0003] })),
    });
  });

  it('keep networks of at most 32,000 weights with a 5-way head', async () => {
    const { model, maximumWeights } = await read('m-nas');
    const head = 5 * (featureCount(model) + 1);
    expect(maximumWeights + head).toBeLessThanOrEqual(32_000);
    const every = (operation: GenotypeEdge['operation']): Genotype => {
      const cell = { nodes: [0, 1, 2, 3].map(() => [0, 1].map((input) => ({ operation, input }))) };
      return { normal: cell, reduction: cell };
    };
    expect(size(childWeights(model, every('sep_conv_5x5')))).toBe(33_648); // as study.yaml says
    expect(size(childWeights(model, every('sep_conv_3x3')))).toBe(24_432);
    const maml = (await read('maml')).model;
    expect(size(weightSpecifications(maml)) + 5 * (featureCount(maml) + 1)).toBeLessThanOrEqual(32_000);
  });
});
