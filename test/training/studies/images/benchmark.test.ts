import { readdir, readFile, rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { decodeCheckpoint } from '../../../../model/checkpoint/checkpoint.ts';
import { trainingConfigurationSchema } from '../../../../training/outer-loop/configuration.ts';
import { evaluateTasks } from '../../../../training/evaluation/evaluate-checkpoint.ts';
import { runImageRow } from '../../../../training/studies/images/benchmark.ts';
import {
  embeddingsOf,
  historyOf,
  readEmbeddings,
  readResults,
} from '../../../../training/studies/images/result.ts';
import { RunFolder } from '../../../../training/run/run-folder.ts';
import { syntheticDomain } from '../../../support/synthetic-domain.ts';
import { sharedFolder } from '../../../support/shared-folder.ts';

const root = sharedFolder();

const shapes = [{ way: 2, shot: 1, query: 2 }];
const configuration = trainingConfigurationSchema.parse({
  name: 'tiny',
  seed: 3,
  model: {
    image: { size: 16 },
    supernet: { channels: 2, nodes: 1, stem: [3, 4] },
    encoder: { features: 4, state: 5 },
    controller: { hidden: 4 },
    innerLoop: { steps: 1 },
  },
  domains: [{ source: { kind: 'folder', name: 'a', path: 'unused' } }],
  stages: [
    { stage: 'search', iterations: 1, shapes },
    { stage: 'retrain', iterations: 2, shapes },
  ],
  metaBatch: 2,
  validation: { every: 2, tasks: 1, query: 2 },
  workers: 1,
});
const domains = [syntheticDomain('a', 16)];
const protocol = { way: 3, shots: [1, 2], query: 4, tasks: 3, seed: 2020 };

describe('a run of the image study', () => {
  it('is trained, tested and kept, and tested again to the same result', { tags: ['whole'] }, async () => {
    const folder = new RunFolder(root('run'));
    const results = root('results');
    const common = { domains, folder, results, commit: 'abc', protocol, embeddings: true, floors: true };
    const never = new AbortController().signal;
    const result = await runImageRow(configuration, { ...common, resume: false }, {}, never);
    const [kept] = await readResults(results);
    expect(kept).toEqual(result);
    expect(result!.stages.map(({ stage, iterations, tasks }) => [stage, iterations, tasks])).toEqual([
      ['search', 1, 2],
      ['retrain', 2, 4],
    ]);
    expect(result!.curve.map(({ iteration }) => iteration)).toEqual([2]);
    expect(result!.settings.map(({ domain, shot }) => [domain, shot])).toEqual([
      ['a', 1],
      ['a', 2],
    ]);
    const checkpoint = decodeCheckpoint(await readFile(folder.checkpointPath));
    const [first] = await evaluateTasks(checkpoint, domains, {
      ...protocol,
      split: 'test',
      workers: 1,
      floors: false,
    });
    expect(result!.settings[0]!.floors!.pixels.mean).toBeGreaterThan(0);
    const [setting] = result!.settings;
    expect(setting!.queries).toEqual([12, 12, 12]);
    expect(setting!.served).toEqual(first!.tasks.map(({ served }) => served));
    expect(setting!.transductive.every((right) => Number.isInteger(right) && right <= 12)).toBe(true);
    expect(setting!.reliability.count.reduce((a, b) => a + b, 0)).toBe(36);
    expect(setting!.reliability.right.reduce((a, b) => a + b, 0)).toBe(
      setting!.served.reduce((a, b) => a + b, 0),
    );
    const { 'tiny-3': embeddings } = await readEmbeddings(results);
    expect(embeddings!.domains['a']!.map((vector) => vector.length)).toEqual([5, 5, 5]);

    await rm(results, { recursive: true });
    const alone = { ...common, resume: true, embeddings: false, floors: false };
    const again = await runImageRow(configuration, alone, {}, never);
    const withoutFloors = result!.settings.map((own) => ({ ...own, floors: undefined }));
    expect(again).toEqual({ ...result, settings: withoutFloors });
    expect(await readdir(results)).toEqual(['tiny-3.json']);
  });

  it('leaves no result when it is stopped', async () => {
    const stop = new AbortController();
    const run = {
      domains,
      results: root('none'),
      commit: 'abc',
      protocol,
      embeddings: true,
      floors: true,
    };
    const folder = new RunFolder(root('stopped'));
    const events = { iteration: () => stop.abort() };
    // without a search, which takes longest
    const stopped = { ...configuration, stages: configuration.stages.slice(1) };
    expect(await runImageRow(stopped, { ...run, folder, resume: false }, events, stop.signal)).toBe(null);
    expect(await readResults(root('none'))).toEqual([]);
  });

  it('leaves its test when it is stopped there, and is tested when it is resumed', async () => {
    const stop = new AbortController();
    const results = root('later');
    const once = { ...configuration, stages: [{ ...configuration.stages[1]!, iterations: 1 }] };
    const folder = new RunFolder(root('untested'));
    const run = { domains, folder, results, commit: 'abc', protocol, embeddings: false, floors: false };
    const told: number[] = [];
    const tested = (done: number): void => {
      told.push(done);
      stop.abort();
    };
    expect(await runImageRow(once, { ...run, resume: false }, { tested }, stop.signal)).toBe(null);
    expect(told).toEqual([1]); // of six
    expect(await readResults(results)).toEqual([]);
    const { signal } = new AbortController();
    expect(await runImageRow(once, { ...run, resume: true }, {}, signal)).toMatchObject({ name: 'tiny' });
  });
});

describe('the course of a run', () => {
  it('counts core-seconds by stage, whatever the number of workers', () => {
    const { stages, curve } = historyOf([
      { iteration: 1, stage: 'search', tasks: 4, seconds: 10, workers: 2 },
      { iteration: 1, validation: { a: 0.25 } },
      { iteration: 2, decoded: 3, genotypes: ['x'], counts: [1] },
      { iteration: 2, stage: 'retrain', tasks: 4, seconds: 5, workers: 1 },
      { iteration: 3, stage: 'retrain', tasks: 8, seconds: 7, workers: 2 },
      { iteration: 3, validation: { a: 1 / 3 } },
    ]);
    expect(stages).toEqual([
      { stage: 'search', iterations: 1, tasks: 4, coreSeconds: 20 },
      { stage: 'retrain', iterations: 2, tasks: 12, coreSeconds: 19 },
    ]);
    expect(curve).toEqual([
      { iteration: 1, coreSeconds: 20, accuracies: { a: 0.25 } },
      { iteration: 3, coreSeconds: 39, accuracies: { a: 0.3333 } },
    ]);
  });
});

describe('kept embeddings', () => {
  const task = (...embedding: number[]) => ({
    genotype: null,
    embedding: Float32Array.from(embedding),
    mirrored: false,
    queries: 1,
    served: 1,
    reliability: { count: [], confidence: [], right: [] },
  });

  it('are of the largest shot, in two digits', () => {
    const evaluated = [
      { domain: 'a', shot: 1, way: 2, tasks: [task(9, 9)] },
      { domain: 'a', shot: 5, way: 2, tasks: [task(0.5, -0.25), task(-1.98, -0.001)] },
      { domain: 'b', shot: 5, way: 2, tasks: [task(1, 0)] },
    ];
    const { unit, domains: kept } = embeddingsOf(evaluated)!;
    expect(unit).toBeCloseTo(0.02, 10);
    expect(kept).toEqual({
      a: [
        [25, -12],
        [-99, 0],
      ],
      b: [[50, 0]],
    });
  });

  it('are none of a network without an encoder', () => {
    expect(embeddingsOf([{ domain: 'a', shot: 1, way: 2, tasks: [task()] }])).toBe(null);
  });
});
