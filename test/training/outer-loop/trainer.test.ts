import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeCheckpoint } from '../../../model/checkpoint/checkpoint.ts';
import { parameterSpecifications } from '../../../model/parameters.ts';
import type { ParameterGroup } from '../../../model/layers/parameter-specification.ts';
import { ParameterLayout } from '../../../training/run/parameter-vector.ts';
import type { ImageDomain } from '../../../training/data/domain.ts';
import { trainingConfigurationSchema } from '../../../training/outer-loop/configuration.ts';
import { identityOf } from '../../../training/outer-loop/run-identity.ts';
import { RunFolder } from '../../../training/run/run-folder.ts';
import { stageAt, totalIterations } from '../../../training/run/schedule.ts';
import { Trainer } from '../../../training/outer-loop/trainer.ts';
import { sharedIterations } from '../../../training/outer-loop/branch.ts';
import type { EarlierRun } from '../../../training/outer-loop/branch.ts';
import { syntheticDomain } from '../../support/synthetic-domain.ts';

const shapes = [{ way: 2, shot: 1, query: 3 }];
const configuration = trainingConfigurationSchema.parse({
  name: 'tiny',
  seed: 5,
  model: {
    image: { size: 16 },
    supernet: { channels: 2, nodes: 1, stem: [3, 4] },
    encoder: { features: 4, state: 5 },
    controller: { hidden: 4 },
    innerLoop: { steps: 2 },
    mirroring: { shots: 1 },
  },
  domains: [
    {
      source: { kind: 'folder', name: 'a', path: 'unused' },
      augmentation: { flip: true, crop: 0.1, colour: 0.1 },
    },
    { source: { kind: 'folder', name: 'b', path: 'unused' } },
  ],
  stages: [
    { stage: 'search', iterations: 3, shapes },
    { stage: 'tune', iterations: 2, shapes },
    { stage: 'retrain', iterations: 3, shapes: [...shapes, { way: 3, shot: 2, query: 2 }] },
  ],
  metaBatch: 3,
  averaging: 0.9,
  validation: { every: 4, tasks: 2, query: 3 },
});
const domains = [syntheticDomain('a', 16), syntheticDomain('b', 16)];

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'm-nas-trainer-'));
});
afterAll(() => rm(root, { recursive: true }));

async function train(name: string, pauses: readonly number[], workers: number): Promise<RunFolder> {
  const folder = new RunFolder(join(root, name));
  const own = { ...configuration, workers };
  for (const [i, until] of [...pauses, totalIterations(configuration)].entries()) {
    const trainer = await Trainer.start(own, domains, folder, i > 0 ? 'saved' : 'new');
    await trainer.run({}, until);
    await trainer.close();
  }
  return folder;
}

async function metricsOf(folder: RunFolder): Promise<unknown[]> {
  const lines = (await readFile(join(folder.path, 'metrics.jsonl'), 'utf8')).trim().split('\n');
  const own = { seconds: 0, workers: 0 }; // of the way that a run was made
  return lines.map((line) => ({ ...(JSON.parse(line) as Record<string, unknown>), ...own }));
}

const validationOf = (checkpoint: Uint8Array): unknown => decodeCheckpoint(checkpoint).training['validation'];

async function validationAt(folder: RunFolder, iteration: number): Promise<unknown> {
  const lines = (await metricsOf(folder)) as { iteration: number; validation?: Record<string, number> }[];
  const line = lines.find((own) => own.iteration === iteration && own.validation);
  expect(Object.keys(line!.validation!)).toEqual(['a', 'b']);
  return { iteration, accuracies: line!.validation };
}

describe('Trainer', () => {
  it('interrupted and resumed in every stage equals uninterrupted, to the bit, for any number of workers', async () => {
    const whole = await train('whole', [], 2);
    const resumed = await train('resumed', [4, 6], 1);
    const [a, b] = await Promise.all(
      [whole, resumed].map(async (folder) => decodeCheckpoint(await readFile(folder.checkpointPath))),
    );
    expect(b!.parameters).toEqual(a!.parameters);
    expect(b!.genotypes).toEqual(a!.genotypes);
    expect(a!.genotypes.length).toBeGreaterThan(0);
    for (const fitted of ['mirroring', 'calibration'])
      expect(a!.parameters[fitted]!.some((coefficient) => coefficient !== 0)).toBe(true);
    expect(await metricsOf(resumed)).toEqual(await metricsOf(whole));
    expect(await metricsOf(whole)).toHaveLength(totalIterations(configuration) + 2 + 1); // validations, genotypes
  }, 120_000);

  it('trains a network that is not searched, and keeps no architecture for it', async () => {
    const model = {
      ...configuration.model,
      network: { kind: 'conv4', filters: 2 },
      mirroring: undefined,
    } as const;
    const stages = [{ ...configuration.stages[2]!, iterations: 2 }];
    const folder = new RunFolder(join(root, 'maml'));
    const trainer = await Trainer.start(
      { ...configuration, model, stages, workers: 1 },
      domains,
      folder,
      'new',
    );
    await trainer.run();
    await trainer.close();
    const { parameters, genotypes } = decodeCheckpoint(await readFile(folder.checkpointPath));
    expect(genotypes).toEqual([]);
    expect(Object.keys(parameters)).toEqual([
      ...[0, 1, 2, 3].flatMap((i) => ['conv', 'gain', 'bias'].map((part) => `${part}.${i}`)),
      'head.scale',
      'calibration',
    ]);
    expect((await metricsOf(folder))[0]).toMatchObject({ genotypes: 0, stage: 'retrain' });
  }, 60_000);

  it('parts from another run as if it had trained the stages that they share, to the bit', async () => {
    const [search, tune, retrain] = configuration.stages;
    const own = { ...configuration, averaging: 0, name: 'trunk', workers: 1 };
    const run = async (name: string, given: typeof own, from: 'new' | EarlierRun, until?: number) => {
      const folder = new RunFolder(join(root, name));
      const trainer = await Trainer.start(given, domains, folder, from);
      await trainer.run({}, until);
      await trainer.close();
      return folder;
    };
    const trunk = { configuration: own, folder: await run('trunk', own, 'new', 5) };
    const last = { ...retrain!, metaBatch: 2, multiStepIterations: 1, encoder: 'fixed' as const };
    const branch = { ...own, averaging: 0.8, name: 'branch', stages: [search!, tune!, last] };
    expect(sharedIterations(branch, own)).toBe(5);
    const parted = await run('parted', branch, trunk);
    const whole = await run('unparted', branch, 'new');
    const [a, b] = await Promise.all([whole, parted].map(({ checkpointPath }) => readFile(checkpointPath)));
    expect(decodeCheckpoint(b!).parameters).toEqual(decodeCheckpoint(a!).parameters);
    expect(decodeCheckpoint(b!).genotypes).toEqual(decodeCheckpoint(a!).genotypes);
    const lines = async (folder: RunFolder) =>
      (await metricsOf(folder)).filter((line) => !Object.hasOwn(line as object, 'validation'));
    expect(await lines(parted)).toEqual(await lines(whole));
    expect((await lines(parted)).map((line) => (line as { tasks?: number }).tasks)).toEqual(
      [3, 3, 3, 3, 3, undefined, 2, 2, 2], // architectures are settled before the last stage
    );

    const kept = await trunk.folder.loadStage(5, identityOf(own, domains, 'onnxruntime'));
    const { entries } = new ParameterLayout(parameterSpecifications(own.model));
    const moved = (wanted: ParameterGroup): boolean =>
      entries
        .filter(({ group }) => group === wanted)
        .some(({ name, start, size }) =>
          decodeCheckpoint(b!).parameters[name]!.some(
            (x, i) => x !== kept.parameters.subarray(start, start + size)[i],
          ),
        );
    expect([moved('encoder'), moved('modulator'), moved('weights')]).toEqual([false, true, true]);
    const early = { ...branch, stages: [{ ...search!, encoder: 'fixed' as const }, last] };
    expect(() => trainingConfigurationSchema.parse(early)).toThrow('search trains the encoder');

    const other = { ...branch, stages: [{ ...search!, iterations: 2 }, tune!, last] };
    await expect(run('other-search', other, trunk)).rejects.toThrow('branch and trunk share no stage');
    expect(sharedIterations({ ...branch, seed: 6 }, own)).toBe(0);
    expect(sharedIterations({ ...own, name: 'same' }, own)).toBe(5); // never the last stage
  }, 120_000);

  it('resumed after a crash, with a state older than the metrics, equals uninterrupted', async () => {
    const whole = new RunFolder(join(root, 'whole'));
    const folder = new RunFolder(join(root, 'crashed'));
    const state = join(folder.path, 'state.safetensors');
    const own = { ...configuration, workers: 2 };
    for (const until of [5, 7, totalIterations(configuration)]) {
      const trainer = await Trainer.start(own, domains, folder, until === 5 ? 'new' : 'saved');
      if (until > 5) expect(validationOf(trainer.checkpoint())).toEqual(await validationAt(whole, 4));
      await trainer.run({}, until);
      await trainer.close();
      if (until === 5) await copyFile(state, `${state}.kept`);
      if (until === 7) await copyFile(`${state}.kept`, state); // what was saved last before the crash
    }
    expect(await metricsOf(folder)).toEqual(await metricsOf(whole));
    const [a, b] = await Promise.all([whole, folder].map(({ checkpointPath }) => readFile(checkpointPath)));
    expect(decodeCheckpoint(b!).parameters).toEqual(decodeCheckpoint(a!).parameters);
    expect(validationOf(b!)).toEqual(await validationAt(whole, 8));
  }, 120_000);

  it('trains a stage with an inner loop of its own, on as many ways as a domain has', async () => {
    const wide = [{ way: 20, shot: 1, query: 2 }];
    const given = { name: 'steps', seed: 5, model: configuration.model, domains: configuration.domains };
    const few = { stage: 'retrain', iterations: 1, innerLoop: { steps: 0 }, shapes: wide };
    const first = { stage: 'retrain', iterations: 1, innerLoop: { exactSteps: 0 }, shapes };
    const own = { ...given, stages: [few, first], metaBatch: 2, workers: 1 };
    const folder = new RunFolder(join(root, 'steps'));
    const trainer = await Trainer.start(trainingConfigurationSchema.parse(own), domains, folder, 'new');
    await trainer.run();
    await trainer.close();
    const [, without, after] = (await metricsOf(folder)) as { supportBefore: number | null }[];
    expect(without!.supportBefore).toBeNull();
    expect(after!.supportBefore).toBeGreaterThan(0);
    const learned = {
      ...own,
      model: { ...given.model, innerLoop: { ...given.model.innerLoop, rates: 'learned' } },
    };
    expect(trainingConfigurationSchema.parse(learned).stages).toHaveLength(2); // without steps there is no rate
    const stages = [{ ...few, innerLoop: { steps: 1 } }, first];
    expect(() => trainingConfigurationSchema.parse({ ...learned, stages })).toThrow(/learned inner rates/);
  }, 120_000);

  it('draws all but the controller and a fixed encoder anew where a stage says so, before its first step', async () => {
    const [search, , retrain] = configuration.stages;
    const run = async (name: string, more: Partial<typeof retrain>) => {
      const stages = [
        { ...search!, iterations: 1 },
        { ...retrain!, shapes: search!.shapes, ...more, iterations: 1 },
      ];
      const folder = new RunFolder(join(root, name));
      const own = { ...configuration, averaging: 0, stages, workers: 1 };
      const trainer = await Trainer.start(own, domains, folder, 'new');
      await trainer.run({}, 1);
      const before = decodeCheckpoint(trainer.checkpoint()).parameters;
      await trainer.run();
      await trainer.close();
      const after = decodeCheckpoint(await readFile(folder.checkpointPath)).parameters;
      const last = (await metricsOf(folder)).at(-1) as { iteration: number; loss: number };
      return { before, after, last };
    };
    const anew = await run('anew', { reinitialize: true });
    const kept = await run('kept', {});
    const fixed = await run('fixed', { reinitialize: true, encoder: 'fixed' });
    expect(anew.last.iteration).toBe(kept.last.iteration);
    expect(anew.last.loss).not.toBe(kept.last.loss);
    for (const { name, group, deviation } of parameterSpecifications(configuration.model)) {
      const moved = ({ before, after }: typeof anew) =>
        Math.max(...after[name]!.map((x, i) => Math.abs(x - before[name]![i]!)));
      if (group === 'controller') expect(moved(anew)).toBe(0);
      else if (deviation > 0) expect(moved(anew)).toBeGreaterThan(0.1); // a hundred steps of Adam
      if (group === 'encoder') expect(moved(fixed)).toBe(0);
      else if (deviation > 0 && group === 'weights') expect(moved(fixed)).toBeGreaterThan(0.1);
    }
  }, 120_000);

  it('validates on the domains that have validation classes enough', async () => {
    const { classes, ...rest } = syntheticDomain('b', 16);
    const few = { ...rest, classes: classes.filter(({ split, name }) => split !== 'val' || name === 'val0') };
    const folder = new RunFolder(join(root, 'few'));
    const trainer = await Trainer.start({ ...configuration, workers: 1 }, [domains[0]!, few], folder, 'new');
    await trainer.run({}, 4);
    await trainer.close();
    const { iteration, validation } = (await metricsOf(folder)).at(-1) as {
      iteration: number;
      validation: object;
    };
    expect({ iteration, domains: Object.keys(validation) }).toEqual({ iteration: 4, domains: ['a'] });
  }, 120_000);

  it('begins nothing anew over the state of a run', async () => {
    await expect(new RunFolder(join(root, 'whole')).refuseToOverwrite()).rejects.toThrow('--overwrite');
    await new RunFolder(join(root, 'nowhere')).refuseToOverwrite();
  });

  it('begins anew without a trace of the run that was there, so that a crash leaves no mixture', async () => {
    const folder = new RunFolder(join(root, 'begun'));
    const one = Float32Array.of(1);
    const adam = { step: 3, first: one, second: one };
    await folder.saveState({ iteration: 3, parameters: one, adam, genotypes: [], seconds: 1 }, 'x');
    await folder.appendMetrics([{ iteration: 2 }, { iteration: 3 }]);
    await folder.begin(2);
    await expect(folder.loadState('x')).rejects.toThrow('ENOENT');
    expect(await metricsOf(folder)).toEqual([{ iteration: 2, seconds: 0, workers: 0 }]);
  });

  it('goes on from a checkpoint at its iteration, with its weights and architectures', async () => {
    const given = decodeCheckpoint(await readFile(new RunFolder(join(root, 'whole')).checkpointPath));
    const [last] = configuration.stages.slice(-1);
    const longer = {
      ...configuration,
      workers: 1,
      stages: [...configuration.stages, { ...last!, iterations: 1 }],
    };
    const folder = new RunFolder(join(root, 'continued'));
    const trainer = await Trainer.start(longer, domains, folder, given);
    const { parameters, genotypes } = decodeCheckpoint(trainer.checkpoint());
    expect({ parameters, genotypes }).toEqual({ parameters: given.parameters, genotypes: given.genotypes });
    await trainer.run();
    await trainer.close();
    expect((await metricsOf(folder)).map((line) => (line as { iteration: number }).iteration)).toEqual([9]);
    const { training, ...continued } = decodeCheckpoint(await readFile(folder.checkpointPath));
    expect(training['iterations']).toBe(9);
    expect(continued.parameters).not.toEqual(given.parameters);
    const other = {
      ...longer,
      model: { ...longer.model, controller: { ...longer.model.controller, hidden: 5 } },
    };
    await expect(Trainer.start(other, domains, folder, given)).rejects.toThrow('another model configuration');
  }, 120_000);

  it('refuses to resume a run of another configuration', async () => {
    const folder = new RunFolder(join(root, 'whole'));
    await expect(Trainer.start({ ...configuration, seed: 6 }, domains, folder, 'saved')).rejects.toThrow(
      'another configuration',
    );
  });

  it('has an engine other than the default in its identity, and nothing of the default', () => {
    const usual = JSON.parse(identityOf(configuration, domains, 'onnxruntime')) as object;
    expect(Object.keys(usual)).toEqual([...Object.keys(configuration), 'data']);
    expect(JSON.parse(identityOf(configuration, domains, 'tfjs'))).toEqual({ ...usual, engine: 'tfjs' });
  });

  it('refuses to resume on other pixels or classes', async () => {
    const folder = new RunFolder(join(root, 'whole'));
    const [a, b] = domains as [ImageDomain, ImageDomain];
    const pixels = Uint8Array.from(a.pixels);
    pixels[7]! ^= 1;
    const renamed = a.classes.map((own, i) => (i === 0 ? { ...own, name: 'other' } : own));
    for (const other of [
      { ...a, pixels },
      { ...a, classes: renamed },
    ])
      await expect(Trainer.start(configuration, [other, b], folder, 'saved')).rejects.toThrow('other data');
  });

  it('stops where a value is not finite, naming iteration, task and seed', async () => {
    const broken = { ...configuration, workers: 1, reconstructionWeight: Number.NaN };
    const trainer = await Trainer.start(broken, domains, new RunFolder(join(root, 'broken')), 'new');
    await expect(trainer.run()).rejects.toThrow(/iteration 0, task 0 \([ab]\), seed 5/);
    await trainer.close();
  }, 120_000);

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
