import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { RunFolder } from '../../../../training/run/run-folder.ts';
import type { EngineName } from '../../../../engine/options.ts';
import { toyConfigurationSchema } from '../../../../training/studies/toy/configuration.ts';
import { families } from '../../../../training/studies/toy/families.ts';
import { ToyTrainer } from '../../../../training/studies/toy/trainer.ts';
import { ParameterLayout } from '../../../../training/run/parameter-vector.ts';
import { specificationsOf, toyIdentity } from '../../../../training/studies/toy/state.ts';
import type { ToyState } from '../../../../training/studies/toy/state.ts';
import { sharedFolder } from '../../../support/shared-folder.ts';

const configuration = toyConfigurationSchema.parse({
  name: 'tiny',
  seed: 5,
  method: {
    kind: 'm-nas',
    model: {
      cell: { width: 4, nodes: 2 },
      encoder: { features: 3, state: 4 },
      controller: { hidden: 3 },
      innerLoop: { steps: 2 },
    },
  },
  points: { support: 4, query: 3 },
  stages: [
    { stage: 'search', iterations: 3, multiStepIterations: 1 },
    { stage: 'tune', iterations: 2 },
    { stage: 'retrain', iterations: 3, reinitialize: true },
  ],
  metaBatch: 5,
  validation: { every: 4, tasks: 3 },
});

const root = sharedFolder();
let whole: Awaited<ReturnType<typeof train>>;
beforeAll(async () => {
  whole = await train('whole', [], 2);
});

async function train(
  name: string,
  pauses: readonly number[],
  workers: number,
): Promise<{ state: ToyState; metrics: unknown[]; errors: readonly number[] }> {
  const folder = new RunFolder(root(name));
  let state: ToyState | undefined;
  let errors: readonly number[] = [];
  for (const [i, until] of [...pauses, 8].entries()) {
    const trainer = await ToyTrainer.start({ ...configuration, workers }, folder, i > 0 ? 'saved' : 'new');
    await trainer.run({}, until);
    ({ state } = trainer);
    if (until === 8) {
      const tested = await trainer.evaluate('test', 3);
      errors = families.flatMap((family) => [...tested[family].errors]);
    }
    await trainer.close();
  }
  const lines = (await readFile(join(folder.path, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  const metrics = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    state: state!,
    metrics: metrics.map((line) => ({ ...line, seconds: 0 })),
    errors,
  };
}

describe('ToyTrainer', () => {
  it('interrupted and resumed in every stage equals uninterrupted, to the bit, for any number of workers', async () => {
    const resumed = await train('resumed', [4, 6], 1);
    expect(resumed.state.parameters).toEqual(whole.state.parameters);
    expect(resumed.state.genotypes).toEqual(whole.state.genotypes);
    expect(resumed.errors).toEqual(whole.errors);
    expect(resumed.metrics).toEqual(whole.metrics);
    expect(whole.state.genotypes.length).toBeGreaterThan(0);
    expect(whole.errors.every(Number.isFinite)).toBe(true);
  });

  it('keeps what was best in validation, also when it was resumed', { tags: ['whole'] }, async () => {
    const rising = {
      ...configuration,
      stages: [
        { ...configuration.stages[0]!, iterations: 1 },
        // the rate grows until a step is too large: the last state is not the best
        { ...configuration.stages[2]!, iterations: 4, learningRate: [1e-9, 1] as [number, number] },
      ],
      validation: { every: 1, tasks: 3 },
      workers: 1,
    };
    const [folder, paused] = [new RunFolder(root('best')), new RunFolder(root('best-resumed'))];
    const searching = await ToyTrainer.start(rising, folder, 'new');
    await searching.run({}, 1);
    expect(searching.state.best).toBeUndefined(); // a search has no decoded cells
    expect(await searching.atBest(() => Promise.resolve(1))).toBeNull();
    await searching.close();
    const trainer = await ToyTrainer.start(rising, folder, 'saved');
    await trainer.run({}, 4);
    await cp(folder.path, paused.path, { recursive: true });
    await trainer.run();
    const best = (await trainer.atBest(() => trainer.validate()))!;
    const last = await trainer.validate();
    await trainer.close();
    const resumed = await ToyTrainer.start(rising, paused, 'saved');
    await resumed.run();
    await resumed.close();
    const average = (errors: Readonly<Record<string, number>>): number =>
      families.reduce((total, family) => total + errors[family]!, 0) / families.length;
    const { state } = trainer;
    expect(resumed.state.best).toEqual(state.best);
    expect(resumed.state.parameters).toEqual(state.parameters);
    const lines = await folder.readMetrics();
    const validations = lines.flatMap((line) =>
      'validation' in line ? [average(line.validation as Record<string, number>)] : [],
    );
    const least = Math.min(...validations.slice(1));
    expect(state.best!.error).toBe(least);
    expect(average(best)).toBe(least);
    expect(validations.indexOf(least) + 1).toBe(state.best!.iteration);
    expect(state.best!.iteration).toBeLessThan(4); // before the pause of the resumed run
    expect(average(last)).toBe(validations.at(-1));
    expect(average(last)).toBeGreaterThan(least);
  });

  it('trains one given cell for all tasks, without a search', async () => {
    const { method, ...rest } = configuration;
    if (method.kind !== 'm-nas') throw new Error('this test is of M-NAS');
    const fixed = toyConfigurationSchema.parse({
      ...rest,
      method: {
        ...method,
        genotype: '0l1s.1l2l',
        model: { ...method.model, controller: { kind: 'shared', hidden: 3 } },
      },
      stages: [{ stage: 'retrain', iterations: 2 }],
      workers: 1,
    });
    const trainer = await ToyTrainer.start(fixed, new RunFolder(root('fixed')), 'new');
    const entries = new ParameterLayout(specificationsOf(fixed)).entries;
    const partOf = (group: string): number[] =>
      entries
        .filter((entry) => entry.group === group)
        .flatMap(({ start, size }) => [...trainer.state.parameters.subarray(start, start + size)]);
    const [weights, alpha] = [partOf('weights'), partOf('controller')];
    await trainer.run();
    const tested = await trainer.evaluate('test', 2);
    await trainer.close();
    expect(families.flatMap((family) => tested[family].genotypes)).toEqual(Array(8).fill('0l1s.1l2l'));
    expect(partOf('weights')).not.toEqual(weights);
    expect(partOf('controller')).toEqual(alpha);
  });

  it('re-initialises all that the controller does not read', async () => {
    const changedBy = async (kind: 'task-aware' | 'shared'): Promise<string[]> => {
      const { method, ...rest } = configuration;
      if (method.kind !== 'm-nas') throw new Error('this test is of M-NAS');
      const own = {
        ...rest,
        method: { ...method, model: { ...method.model, controller: { kind, hidden: 3 } } },
        stages: [
          { ...rest.stages[0]!, iterations: 1 },
          { ...rest.stages[2]!, iterations: 1, learningRate: [1e-12, 1e-12] as [number, number] },
        ],
        workers: 1,
      };
      const trainer = await ToyTrainer.start(own, new RunFolder(root(`anew-${kind}`)), 'new');
      await trainer.run({}, 1);
      const before = Float32Array.from(trainer.state.parameters);
      await trainer.run();
      await trainer.close();
      const { parameters } = trainer.state;
      const changed = new ParameterLayout(specificationsOf(own)).entries
        .filter(({ start, size }) =>
          parameters
            .subarray(start, start + size)
            .some((value, i) => Math.abs(value - before[start + i]!) > 1e-6),
        )
        .map(({ group }) => group);
      return [...new Set(changed)].sort();
    };
    expect(await changedBy('task-aware')).toEqual(['modulator', 'weights']);
    expect(await changedBy('shared')).toEqual(['encoder', 'modulator', 'weights']);
  });

  it('refuses to resume a run of another configuration', async () => {
    const folder = new RunFolder(root('whole'));
    await expect(ToyTrainer.start({ ...configuration, seed: 6 }, folder, 'saved')).rejects.toThrow(
      'another configuration',
    );
  });

  it('trains with tfjs to nearly the same errors as with onnxruntime', { tags: ['slow'] }, async () => {
    const small = { ...configuration, workers: 1, validation: { every: 100, tasks: 1 } };
    const errors = async (engine: EngineName, until: number): Promise<number[]> => {
      const folder = new RunFolder(root(`engine-${engine}`));
      const trainer = await ToyTrainer.start(small, folder, 'new', engine);
      let started = '';
      await trainer.run({ started: (description) => (started = description) }, until);
      await trainer.close();
      expect(started).toMatch(new RegExp(`^${engine} `));
      return (await folder.readMetrics()).map((line) => (line as { error: number }).error);
    };
    const [expected, actual] = [await errors('onnxruntime', 4), await errors('tfjs', 4)];
    expect(actual).toHaveLength(4); // three of the search, one of straight-through tuning
    actual.forEach((error, i) => expect(Math.abs(error / expected[i]! - 1)).toBeLessThan(1e-4));
    expect(actual).not.toEqual(expected);
  });

  it('keeps the identity of a run; another engine than the default is part of it', async () => {
    const identity = JSON.stringify({ ...configuration, workers: 0, checkpointMinutes: 0 });
    expect(toyIdentity({ ...configuration, workers: 7 }, 'onnxruntime')).toBe(identity);
    expect(JSON.parse(toyIdentity(configuration, 'tfjs'))).toEqual({
      ...(JSON.parse(identity) as object),
      engine: 'tfjs',
    });
    const folder = new RunFolder(root('whole'));
    await expect(ToyTrainer.start(configuration, folder, 'saved', 'tfjs')).rejects.toThrow('another engine');
  });

  it('skips iterations without a finite gradient, and gives up after ten in a row', async () => {
    const diverging = toyConfigurationSchema.parse({
      name: 'diverging',
      seed: 1,
      method: { kind: 'maml', learner: { layers: 2, width: 4, learningRate: 1e9 } },
      stages: [{ stage: 'search', iterations: 30 }],
      metaBatch: 2,
      workers: 1,
    });
    const folder = new RunFolder(root('diverging'));
    const trainer = await ToyTrainer.start(diverging, folder, 'new');
    const before = Float32Array.from(trainer.state.parameters);
    await expect(trainer.run()).rejects.toThrow(/10 iterations in a row up to 10, seed 1/);
    expect(trainer.state.parameters).toEqual(before);
    await trainer.close();
    const lines = (await readFile(join(folder.path, 'metrics.jsonl'), 'utf8')).trim().split('\n');
    expect(lines).toHaveLength(9);
    expect(JSON.parse(lines[8]!)).toMatchObject({ iteration: 9, error: null });
  });

  it('learns the inner rates anew once cells are decoded', async () => {
    const { method, ...rest } = configuration;
    if (method.kind !== 'm-nas') throw new Error('this test is of M-NAS');
    const innerLoop = { ...method.model.innerLoop, rates: 'learned' } as const;
    const learned = {
      ...rest,
      method: { ...method, model: { ...method.model, innerLoop } },
      stages: [
        { ...rest.stages[0]!, iterations: 2 },
        { ...rest.stages[1]!, iterations: 2, learningRate: [1e-12, 1e-12] as [number, number] },
      ],
      workers: 1,
    };
    const trainer = await ToyTrainer.start(learned, new RunFolder(root('rates')), 'new');
    const ratesOf = () => {
      const { start, size } = new ParameterLayout(specificationsOf(learned)).entries.find(
        ({ name }) => name === 'inner.rates',
      )!;
      return [...trainer.state.parameters.subarray(start, start + size)].map((rate) => Math.abs(rate));
    };
    await trainer.run({}, 2);
    expect(Math.max(...ratesOf())).toBeGreaterThan(1e-4);
    await trainer.run({}, 3);
    expect(Math.max(...ratesOf())).toBeLessThan(1e-10);
    await trainer.close();
  });
});
