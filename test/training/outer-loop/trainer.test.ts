import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { decodeCheckpoint } from '../../../model/checkpoint/checkpoint.ts';
import { parameterSpecifications } from '../../../model/parameters.ts';
import { trainingConfigurationSchema } from '../../../training/outer-loop/configuration.ts';
import { annealedState } from '../../../training/outer-loop/annealing.ts';
import { reinitializedState } from '../../../training/outer-loop/initial-state.ts';
import { identityOf } from '../../../training/outer-loop/run-identity.ts';
import type { SearchProgress } from '../../../training/outer-loop/search-progress.ts';
import { ParameterLayout } from '../../../training/run/parameter-vector.ts';
import { stageAt } from '../../../training/run/schedule.ts';
import { syntheticDomain } from '../../support/synthetic-domain.ts';
import { configuration, domains, metricsOf, retrainAlone, shapes, temporaryRuns } from './tiny-run.ts';

const { folderOf, train } = temporaryRuns();

describe('Trainer', () => {
  it('trains a network that is not searched, and keeps no architecture for it', async () => {
    const { model } = configuration;
    const network = { kind: 'conv4', filters: 2 } as const;
    const given = {
      ...retrainAlone(1),
      name: 'maml',
      model: { ...model, network, innerLoop: { ...model.innerLoop, steps: 2 }, mirroring: undefined },
    };
    const folder = await train(given);
    const { parameters, genotypes } = decodeCheckpoint(await readFile(folder.checkpointPath));
    expect(genotypes).toEqual([]);
    expect(Object.keys(parameters)).toEqual([
      ...[0, 1, 2, 3].flatMap((i) => ['conv', 'gain', 'bias'].map((part) => `${part}.${i}`)),
      'head.scale',
      'calibration',
    ]);
    expect((await metricsOf(folder))[0]).toMatchObject({ distinctGenotypes: 0, stage: 'retrain' });
  });

  it('trains a stage with an inner loop of its own, on as many ways as a domain has', async () => {
    const wide = [{ way: 20, shot: 1, query: 2 }];
    const given = { name: 'steps', seed: 5, model: configuration.model, domains: configuration.domains };
    const few = { stage: 'retrain', iterations: 1, innerLoop: { steps: 0 }, shapes: wide };
    const first = { stage: 'retrain', iterations: 2, innerLoop: { exactSteps: 0 }, shapes };
    const own = { ...given, stages: [few, first], metaBatch: 2, maximumGenotypes: 1, workers: 1 };
    const folder = await train(trainingConfigurationSchema.parse(own), { until: 2 });
    const [, without, after] = (await metricsOf(folder)) as { supportBefore: number | null }[];
    expect(without!.supportBefore).toBeNull();
    expect(after!.supportBefore).toBeGreaterThan(0);
    const learned = {
      ...own,
      model: { ...given.model, innerLoop: { ...given.model.innerLoop, rates: 'learned' } },
    };
    expect(trainingConfigurationSchema.parse(learned).stages).toHaveLength(2); // without steps there is no rate
    const stages = [{ ...few, innerLoop: { steps: 2 } }, first];
    expect(() => trainingConfigurationSchema.parse({ ...learned, stages })).toThrow(/learned inner rates/);
  });

  it('draws all but the controller and a fixed encoder anew where a stage says so, before its first step', async () => {
    const [retrain] = retrainAlone(1).stages;
    const anew = { ...retrain!, iterations: 2, reinitialize: true, encoder: 'fixed' as const };
    const given = { ...configuration, name: 'anew', averaging: 0, stages: [retrain!, anew] };
    const folder = await train(given, { until: 2 });
    const kept = await folder.loadStage(1, identityOf(given, domains, 'onnxruntime'));
    const layout = new ParameterLayout(parameterSpecifications(given.model));
    const before = layout.unpack(kept.parameters);
    const moved = (name: string, after: Readonly<Record<string, Float32Array>>): number =>
      Math.max(...after[name]!.map((x, i) => Math.abs(x - before[name]![i]!)));
    const { parameters } = decodeCheckpoint(await readFile(folder.checkpointPath));
    const drawn = layout.unpack(reinitializedState(given, { encoder: 'trained' }, kept).parameters);
    for (const { name, group, deviation } of parameterSpecifications(given.model)) {
      if (group === 'controller' || group === 'encoder') expect(moved(name, parameters), name).toBe(0);
      else if (deviation > 0) expect(moved(name, parameters), name).toBeGreaterThan(0.1); // a hundred steps of Adam
      if (group === 'controller') expect(moved(name, drawn), name).toBe(0);
      else if (deviation > 0) expect(moved(name, drawn), name).toBeGreaterThan(0.1);
    }
  });

  it(
    'decodes what an annealed search ends with at the temperature that it ended at',
    { tags: ['whole'] },
    async () => {
      const [search, , retrain] = configuration.stages;
      const annealed = { ...search!, iterations: 2, temperature: [1, 0.1] as [number, number] };
      const stages = [annealed, { ...retrain!, iterations: 1 }];
      const validation = { ...configuration.validation, every: 2 };
      const given = { ...configuration, name: 'annealed', averaging: 0, stages, validation };
      const folder = await train(given);
      const told = (await metricsOf(folder)) as { search?: SearchProgress }[];
      const progress = told.flatMap(({ search }) => search ?? []);
      expect(progress).toHaveLength(1);
      const [{ decoded, chosen, entropy }] = progress as [SearchProgress];
      expect(Object.keys(decoded)).toEqual(['a', 'b']);
      expect(chosen).toBeGreaterThan(1 / 8);
      expect(entropy).toBeLessThan(1);
      const before = await folder.loadStage(2, identityOf(given, domains, 'onnxruntime'));
      const layout = new ParameterLayout(parameterSpecifications(given.model));
      const { parameters } = decodeCheckpoint(await readFile(folder.checkpointPath));
      const searched = layout.unpack(before.parameters);
      for (const { name } of layout.entries.filter(({ group }) => group === 'controller')) {
        const factor = name.startsWith('controller.alpha') ? 10 : 1;
        const expected = searched[name]!.map((x) => Math.fround(x * factor));
        parameters[name]!.forEach((x, i) => expect(x, name).toBeCloseTo(expected[i]!, 5));
        expect(
          parameters[name]!.some((x) => x !== 0),
          name,
        ).toBe(true);
      }
      const averaged = annealedState(given, { ...before, average: before.parameters });
      expect(averaged.average).toEqual(averaged.parameters);
      // a stage that is no search, and a search at temperature 1, leave the controller as it is
      const unchanged = {
        ...given,
        stages: [{ ...annealed, temperature: [1, 1] as [number, number] }, stages[1]!],
      };
      expect(annealedState(unchanged, before)).toBe(before);
      expect(annealedState(given, { ...before, iteration: 3 })).toEqual({ ...before, iteration: 3 });
    },
  );

  it('validates on the domains that have validation classes enough', async () => {
    const { classes, ...rest } = syntheticDomain('b', 16);
    const few = { ...rest, classes: classes.filter(({ split, name }) => split !== 'val' || name === 'val0') };
    const validation = { ...configuration.validation, every: 1 };
    const given = { ...retrainAlone(2), name: 'few', validation };
    const folder = await train(given, { until: 1, data: [domains[0]!, few] });
    const { iteration, validation: accuracies } = (await metricsOf(folder)).at(-1) as {
      iteration: number;
      validation: object;
    };
    expect({ iteration, domains: Object.keys(accuracies) }).toEqual({ iteration: 1, domains: ['a'] });
  });

  it('begins anew without a trace of the run that was there, so that a crash leaves no mixture', async () => {
    const folder = folderOf('begun');
    const one = Float32Array.of(1);
    const adam = { step: 3, first: one, second: one };
    await folder.saveState({ iteration: 3, parameters: one, adam, genotypes: [], seconds: 1 }, 'x');
    await folder.appendMetrics([{ iteration: 2 }, { iteration: 3 }]);
    await folder.begin(2);
    await expect(folder.loadState('x')).rejects.toThrow('nothing to go on from');
    expect(await metricsOf(folder)).toEqual([{ iteration: 2, seconds: 0, workers: 0 }]);
  });

  it('has an engine other than the default in its identity, and nothing of the default', () => {
    const usual = JSON.parse(identityOf(configuration, domains, 'onnxruntime')) as object;
    expect(Object.keys(usual)).toEqual([...Object.keys(configuration), 'data']);
    expect(JSON.parse(identityOf(configuration, domains, 'tfjs'))).toEqual({ ...usual, engine: 'tfjs' });
  });

  it('stops where a value is not finite, naming iteration, task and seed', async () => {
    const broken = { ...retrainAlone(1), name: 'broken', reconstructionWeight: Number.NaN };
    await expect(train(broken)).rejects.toThrow(/iteration 0, task 0 \([ab]\), seed 5/);
  });

  it('moves through the stages', () => {
    expect([0, 2, 3, 4, 5, 7].map((i) => stageAt(configuration, i).stage.stage)).toEqual([
      'search',
      'search',
      'tune',
      'tune',
      'retrain',
      'retrain',
    ]);
    expect(() => stageAt(configuration, 8)).toThrow(RangeError);
  });
});
