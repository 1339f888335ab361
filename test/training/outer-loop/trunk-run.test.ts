import { cp } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeCheckpoint } from '../../../model/checkpoint/checkpoint.ts';
import { parseGenotypeKey } from '../../../model/search-space/genotype.ts';
import { trainingConfigurationSchema } from '../../../training/outer-loop/configuration.ts';
import { Trainer } from '../../../training/outer-loop/trainer.ts';
import type { PlaneDomain } from '../../../training/planes/plane-domain.ts';
import { RunFolder } from '../../../training/run/run-folder.ts';
import { writeNoisePlanes } from '../../support/noise-planes.ts';
import { randomTrunkCheckpoint } from '../../support/random-trunk.ts';
import { sharedFolder } from '../../support/shared-folder.ts';
import { smallTrunkConfiguration } from '../../support/trunk-task.ts';

const model = { ...smallTrunkConfiguration({ steps: 1 }), mirroring: { shots: 20 } };
const shapes = [
  { way: 2, shot: 1, query: 2 },
  { way: 2, shot: 3, query: 2 },
];
const configuration = trainingConfigurationSchema.parse({
  name: 'standing',
  seed: 3,
  model,
  planes: { trunk: 'unused', taps: ['a', 'b', 'c'] },
  domains: ['many', 'few'].map((name) => ({
    source: { kind: 'folder', name, path: 'unused' },
    views: { mirror: name === 'many' },
  })),
  stages: [
    { stage: 'retrain', iterations: 2, innerLoop: { steps: 0 }, shapes: shapes.slice(0, 1) },
    { stage: 'retrain', iterations: 2, innerLoop: { exactSteps: 1 }, shapes },
  ],
  metaBatch: 2,
  workers: 1,
  validation: { every: 2, tasks: 1, query: 2 },
});
const genotypes = [parseGenotypeKey('0s1s.1s2i/0i1m.2a0s/a,b,b+a,c')];
const classified = {
  ...randomTrunkCheckpoint(model),
  genotypes,
  training: { iterations: 0, classified: 10 },
};

const root = sharedFolder();
let domains: PlaneDomain[];
beforeAll(async () => {
  const splits = ['train', 'train', 'val', 'val'] as const;
  const views = { mirror: true, crops: 0, served: false };
  domains = [
    await writeNoisePlanes(root(), 'many', model, { splits, count: 8, views }),
    // as many as its shape of three shots takes, and none for the query beside it
    await writeNoisePlanes(root(), 'few', model, { splits, count: 3, views: { ...views, mirror: false } }),
  ];
});

describe('a run on a trunk', () => {
  it(
    'goes from classified cells through its stages to a calibrated checkpoint, exactly after a pause',
    { timeout: 300_000, tags: ['whole'] },
    async () => {
      const whole = new RunFolder(root('whole'));
      const trainer = await Trainer.start(configuration, domains, whole, classified);
      const validated: string[][] = [];
      const validation = (_: number, accuracies: object) => validated.push(Object.keys(accuracies));
      await trainer.run({ validation }, 3);
      const paused = new RunFolder(root('paused'));
      await cp(whole.path, paused.path, { recursive: true });
      await trainer.run({ validation });
      const checkpoint = trainer.checkpoint();
      await trainer.close();
      expect(validated).toEqual([
        ['many', 'few'],
        ['many', 'few'],
      ]);
      const { genotypes: kept, parameters } = decodeCheckpoint(checkpoint);
      expect(kept).toEqual(genotypes);
      // mirror images are decided by tasks of the domains that have images enough: both at one shot, one at three
      expect(parameters['mirroring']!.some((value) => value !== 0)).toBe(true);

      const resuming = await Trainer.start(configuration, domains, paused, 'saved');
      expect(resuming.iteration).toBe(3);
      await resuming.run();
      const resumed = decodeCheckpoint(resuming.checkpoint());
      await resuming.close();
      expect(resumed.parameters).toEqual(parameters);
    },
  );

  it('trains each of its architectures where a stage draws them', async () => {
    const shallow = parseGenotypeKey('0s1s.1s2i/0i1m.2a0s/a,a,a+a');
    const [stage] = configuration.stages;
    const oneShot = stage!.shapes.slice(0, 1);
    const stages = [{ ...stage!, iterations: 1, architectures: 'drawn' as const, shapes: oneShot }];
    const beginning = { ...classified, genotypes: [...genotypes, shallow] };
    const drawing = { ...configuration, stages, metaBatch: 4 };
    const trainer = await Trainer.start(drawing, domains, new RunFolder(root('drawn')), beginning);
    const told: number[] = [];
    await trainer.run({ iteration: ({ distinctGenotypes }) => told.push(distinctGenotypes) });
    await trainer.close();
    expect(told).toEqual([2]);
  }, 300_000);

  it('trains the controller alone where a stage chooses, and nothing where there is nothing to choose', async () => {
    const shallow = parseGenotypeKey('0s1s.1s2i/0i1m.2a0s/a,a,a+a');
    const [stage] = configuration.stages;
    const stages = [
      { ...stage!, stage: 'choose' as const, iterations: 2, shapes: stage!.shapes.slice(0, 1) },
    ];
    const beginning = { ...classified, genotypes: [...genotypes, shallow] };
    const kinds = { ...model, controller: { ...configuration.model.controller, kinds: 2 } };
    const choosing = trainingConfigurationSchema.parse({ ...configuration, model: kinds, stages });
    const run = (name: string, from = beginning) =>
      Trainer.start(choosing, domains, new RunFolder(root(name)), from);
    const trainer = await run('choosing');
    const before = decodeCheckpoint(trainer.checkpoint()).parameters;
    await trainer.run();
    const after = decodeCheckpoint(trainer.checkpoint()).parameters;
    await trainer.close();
    const changed = Object.keys(before).filter((name) => String(before[name]) !== String(after[name]));
    const fitted = ['familiar.center', 'familiar.inverse', 'calibration'];
    expect(changed.filter((name) => !name.startsWith('controller.') && !fitted.includes(name))).toEqual([]);
    expect(changed).toEqual(expect.arrayContaining(['controller.alpha.weight', ...fitted.slice(0, 2)]));
    for (const value of after['familiar.inverse']!) expect(value).toBeGreaterThan(0);
    const alone = await run('alone', classified);
    await expect(alone.run()).rejects.toThrow('needs architectures to choose among');
    await alone.close();
  }, 300_000);

  it('has a kind of images a domain where it ends with a choice', () => {
    const controller = { ...configuration.model.controller, kinds: 3 };
    const [stage] = configuration.stages;
    const asked = (last: object) => ({
      ...configuration,
      model: { ...model, controller },
      stages: [{ ...stage!, ...last }],
    });
    expect(() => trainingConfigurationSchema.parse(asked({ stage: 'choose' }))).toThrow('2 kinds of images');
    expect(() => trainingConfigurationSchema.parse(asked({}))).not.toThrow();
  });
});
