import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseModelConfiguration } from '../../../../model/configuration.ts';
import { keyFrom } from '../../../../model/random.ts';
import { genotypeKey, parseGenotypeKey } from '../../../../model/search-space/genotype.ts';
import {
  expansionsOf,
  featuresOf,
  genotypeOf,
  nextNodes,
} from '../../../../training/studies/images/baselines/auto-meta/cells.ts';
import type { SharedCell } from '../../../../training/studies/images/baselines/auto-meta/cells.ts';
import { predictorOf } from '../../../../training/studies/images/baselines/auto-meta/predictor.ts';
import { ReptileSystem } from '../../../../training/studies/images/baselines/auto-meta/reptile.ts';
import { searchProgressively } from '../../../../training/studies/images/baselines/auto-meta/search.ts';
import { runImageRow } from '../../../../training/studies/images/benchmark.ts';
import {
  isBaseline,
  readStudyConfiguration,
  studyConfigurationSchema,
} from '../../../../training/studies/images/configuration.ts';
import { networkWeights } from '../../../../training/studies/images/measures.ts';
import { RunFolder } from '../../../../training/run/run-folder.ts';
import { distance, expectDerivative, widened } from '../../../support/directional.ts';
import { noisyParameters, referenceRunner, smallTask } from '../../../support/meta-task.ts';
import { asValues } from '../../../support/reference-programs.ts';
import { sharedFolder } from '../../../support/shared-folder.ts';
import { syntheticDomain } from '../../../support/synthetic-domain.ts';

/** The share of a cell's edges that are separable 5x5 convolutions. */
const share = (cell: SharedCell): number =>
  cell.flat().filter(({ operation }) => operation === 'sep_conv_5x5').length / (2 * cell.length);

describe('the cells of Auto-Meta', () => {
  it('grow by every node of two different inputs', () => {
    // 7 operations an edge; pairs of the cell's inputs and the inner nodes so far
    expect([0, 1, 2, 3].map((nodes) => nextNodes(nodes).length)).toEqual([1, 3, 6, 10].map((n) => 49 * n));
    const [cell] = expansionsOf([]).flatMap(expansionsOf);
    const grown = expansionsOf(cell!);
    const keys = grown.map((own) => genotypeKey(genotypeOf(own)));
    expect(new Set(keys).size).toBe(294);
    for (const key of keys.slice(0, 20)) {
      const { normal, reduction } = parseGenotypeKey(key);
      expect(normal).toEqual(reduction);
      expect(normal.nodes).toHaveLength(3);
    }
  });

  it('have features whose shares sum to one, for cells of any size', () => {
    for (const cell of [expansionsOf([])[3]!, expansionsOf(expansionsOf([])[7]!)[90]!]) {
      const [one, nodes, ...shares] = featuresOf(cell);
      expect([one, nodes]).toEqual([1, cell.length]);
      expect(shares.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    }
  });
});

describe('the progressive search', () => {
  const search = (more: object = {}) => {
    const measured: SharedCell[] = [];
    const found = searchProgressively({
      key: keyFrom(3),
      nodes: 3,
      first: 49,
      beam: 4,
      allowed: () => true,
      measure: (cell) => {
        measured.push(cell);
        return Promise.resolve(0.2 + 0.5 * share(cell));
      },
      ...more,
    });
    return { found, measured };
  };

  it('predicts cells that it has not measured from those that it has', () => {
    const cells = expansionsOf([]);
    const half = cells.filter((_, i) => i % 2 === 0);
    const predict = predictorOf(half.map((cell) => ({ cell, accuracy: 0.2 + 0.5 * share(cell) })));
    const others = cells.filter((_, i) => i % 2 === 1);
    const highest = others.reduce((a, b) => (predict(b) > predict(a) ? b : a));
    expect(share(highest)).toBe(Math.max(...others.map(share)));
  });

  it('grows the best cells, size by size, and finds what its measure wants', async () => {
    const { found, measured } = search();
    expect(share(await found)).toBe(1);
    expect(measured.map((cell) => cell.length)).toEqual([
      ...Array.from({ length: 49 }, () => 1),
      ...[2, 2, 2, 2, 3, 3, 3, 3],
    ]);
    expect(await search().found).toEqual(await found);
  });

  it('finds no whole cell that is not allowed', async () => {
    const allowed = (cell: SharedCell): boolean => share(cell) < 0.7;
    expect(share(await search({ allowed }).found)).toBeCloseTo(4 / 6, 12);
    await expect(search({ allowed: () => false }).found).rejects.toThrow('few enough weights');
  });
});

describe("Reptile's gradient", () => {
  const model = parseModelConfiguration({
    image: { size: 16 },
    supernet: { channels: 2, nodes: 1, stem: [3, 4] },
    encoder: { features: 3, state: 4 },
    controller: { hidden: 3 },
    head: { kind: 'linear', outputs: 3 },
    innerLoop: { steps: 2, learningRate: 0.05 },
  });
  const genotype = genotypeOf([
    [
      { operation: 'sep_conv_3x3', input: 0 },
      { operation: 'max_pool_3x3', input: 1 },
    ],
  ]);
  const task = smallTask(model, 2, 7);
  const parameters = noisyParameters(model, 7);
  const all = task.support.count;

  it('of one step is the derivative of the loss of its images, in float64', async () => {
    const { runner, programs } = referenceRunner(model);
    const system = new ReptileSystem(model, { steps: 1, batch: all }, runner, genotype);
    const { gradients, query } = await system.gradient(parameters, task, keyFrom(1));
    const on = { network: runner.child(genotype), mixes: {}, support: task.support, size: task.size };
    const f = async (point: Readonly<Record<string, Float64Array>>) => {
      programs.takePattern();
      const values = asValues(point);
      const { fit } = await runner.innerStep(on, await runner.initialWeights(on, values, values));
      return { value: fit.loss, pattern: programs.takePattern() };
    };
    const point = widened(parameters);
    const { value, pattern } = await f(point);
    expect(query.loss).toBeCloseTo(value, 10);
    const names = Object.keys(gradients);
    expect(names).toContain('head.outputs');
    const wide = widened(gradients); // float32 of the system, so that the difference is not of rounding
    await expectDerivative(f, wide, { point, pattern, names, seed: 5, what: 'Reptile' });
  });

  it('of several steps is the mean of those that the steps went down, and zero where the child is not', async () => {
    const { runner } = referenceRunner(model);
    const of = (steps: number) =>
      new ReptileSystem(model, { steps, batch: all }, runner, genotype).gradient(
        parameters,
        task,
        keyFrom(1),
      );
    const first = (await of(1)).gradients;
    const both = (await of(2)).gradients;
    const rate = model.innerLoop.learningRate;
    const moved = Object.fromEntries(
      Object.entries(parameters).map(([name, x]) => [
        name,
        x.map((value, i) => value - rate * (first[name]?.[i] ?? 0)),
      ]),
    );
    const system = new ReptileSystem(model, { steps: 1, batch: all }, runner, genotype);
    const second = (await system.gradient(moved, task, keyFrom(1))).gradients;
    const mean = Object.fromEntries(
      Object.entries(first).map(([name, x]) => [name, x.map((value, i) => (value + second[name]![i]!) / 2)]),
    );
    expect(distance(both, widened(mean))).toBeLessThan(1e-5);
    expect(both['normal.0.sep3.first']!.some((x) => x !== 0)).toBe(true);
    expect(both['normal.0.sep5.first']!.every((x) => x === 0)).toBe(true);
    expect(both['head.outputs']!.slice(2 * 4).every((x) => x === 0)).toBe(true); // of the third class
  });
});

describe('a row of Auto-Meta', () => {
  const root = sharedFolder();
  const domains = [syntheticDomain('a', 16)];
  const configuration = studyConfigurationSchema.parse({
    name: 'auto-meta',
    seed: 5,
    model: {
      image: { size: 16 },
      supernet: { channels: 2, nodes: 2, stem: [3, 4] },
      head: { kind: 'linear', outputs: 3 },
      innerLoop: { steps: 3, learningRate: 0.1 },
    },
    method: { kind: 'auto-meta', shots: 4, steps: 4, batch: 5, search: { first: 2, beam: 1, iterations: 2 } },
    domains: [{ source: { kind: 'folder', name: 'a', path: 'unused' } }],
    stages: [
      {
        stage: 'retrain',
        iterations: 48,
        learningRate: [0.02, 0.02],
        shapes: [{ way: 3, shot: 1, query: 4 }],
      },
    ],
    metaBatch: 3,
    validation: { every: 48, tasks: 2, query: 3 },
    workers: 1,
  });
  const protocol = { way: 3, shots: [1], query: 4, tasks: 3, seed: 2020 };

  it(
    'searches its cell, trains it so that the loss falls, and is tested with it; resumed, nothing is trained again',
    { tags: ['whole'] },
    async () => {
      const folder = new RunFolder(root('run'));
      const common = {
        domains,
        folder,
        results: root('results'),
        commit: 'abc',
        protocol,
        embeddings: false,
        floors: false,
      };
      const never = new AbortController().signal;
      const heard: number[][] = [];
      const candidate = (...own: number[]) => void heard.push(own);
      const result = await runImageRow(configuration, { ...common, resume: false }, { candidate }, never);
      const [setting] = result!.settings;
      const [[key, count]] = Object.entries(setting!.genotypes) as [[string, number]];
      expect(count).toBe(3);
      const { normal, reduction } = parseGenotypeKey(key);
      expect(normal).toEqual(reduction);
      expect(networkWeights(result!, key)).toBeGreaterThan(0);
      expect(result!.stages.map(({ stage, iterations, tasks }) => [stage, iterations, tasks])).toEqual([
        ['search', 6, 18],
        ['retrain', 48, 144],
      ]);
      const { measured } = JSON.parse(await readFile(join(folder.path, 'search.json'), 'utf8')) as {
        measured: Record<string, { accuracy: number }>;
      };
      expect(Object.keys(measured)).toHaveLength(3);
      expect(Object.keys(measured)).toContain(key);
      const accuracies = Object.values(measured).map(({ accuracy }) => accuracy);
      expect(heard.map(([count, , accuracy]) => [count, accuracy])).toEqual(
        accuracies.map((own, i) => [i + 1, own]),
      );
      const losses = (await folder.readMetrics()).flatMap((line) => (line as { loss?: number }).loss ?? []);
      const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b) / values.length;
      expect(mean(losses.slice(-16))).toBeLessThan(mean(losses.slice(0, 16)) - 0.05);
      const again = await runImageRow(configuration, { ...common, resume: true }, {}, never);
      expect(again).toEqual(result);
      const other = { ...configuration, seed: 6 };
      await expect(runImageRow(other, { ...common, resume: true }, {}, never)).rejects.toThrow('another run');
    },
  );

  it('stops in its search, leaving no result', async () => {
    const stop = new AbortController();
    stop.abort();
    const folder = new RunFolder(root('stopped'));
    const run = { domains, folder, results: root('none'), commit: 'abc', protocol };
    const own = { ...run, embeddings: false, floors: false, resume: false };
    expect(await runImageRow(configuration, own, {}, stop.signal)).toBe(null);
  });

  it('as configured has the study’s cells, a linear head and few enough weights', async () => {
    const own = await readStudyConfiguration('training/configs/images/auto-meta.yaml');
    const study = await readStudyConfiguration('training/configs/images/m-nas.yaml');
    expect(isBaseline(own)).toBe(true);
    expect(own.model.supernet).toEqual(study.model.supernet);
    expect(own.model.head).toEqual({ kind: 'linear', outputs: 5 });
    expect(own.domains).toEqual(study.domains);
    const maml = await readStudyConfiguration('training/configs/images/maml.yaml');
    expect(own.stages.map(({ shapes }) => shapes)).toEqual(maml.stages.map(({ shapes }) => shapes));
  });
});
