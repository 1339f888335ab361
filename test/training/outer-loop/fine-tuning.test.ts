import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { decodeCheckpoint } from '../../../model/checkpoint/checkpoint.ts';
import type { Checkpoint } from '../../../model/checkpoint/checkpoint.ts';
import { initialParameters } from '../../../model/parameters.ts';
import { keyFrom } from '../../../model/random.ts';
import { beginningOf, fineTuning } from '../../../training/outer-loop/fine-tuning.ts';
import { requireTasks } from '../../../training/outer-loop/require-tasks.ts';
import type { ImageDomain } from '../../../training/data/domain.ts';
import { Trainer } from '../../../training/outer-loop/trainer.ts';
import type { TrainingConfiguration } from '../../../training/outer-loop/configuration.ts';
import { syntheticDomain } from '../../support/synthetic-domain.ts';
import { configuration, metricsOf, temporaryRuns } from './tiny-run.ts';

const { train, folderOf } = temporaryRuns();
const { shapes } = configuration.stages[0]!;

/** A checkpoint of the tiny run's model that was trained to the end of another run, whose temperature is e. */
const checkpoint = (model = configuration.model): Checkpoint => {
  const parameters = { ...initialParameters(model, keyFrom(8)), calibration: Float32Array.of(1, 0, 0) };
  return {
    id: 'before',
    configuration: model,
    parameters,
    genotypes: [],
    training: { iterations: 7830, seconds: 1 },
  };
};

/** Domains 'a' and 'b' of other images, and few. */
const others = (of: (domain: ImageDomain) => ImageDomain = (domain) => domain): ImageDomain[] =>
  ['a', 'b'].map((name) => of(syntheticDomain(name, 16, 2, 3)));

/** The iterations that a run's metrics tell of. */
const stepsOf = async (name: string): Promise<number[]> =>
  (await metricsOf(folderOf(name))).flatMap((line) => {
    const { iteration, loss } = line as { readonly iteration: number; readonly loss?: number };
    return loss === undefined ? [] : [iteration];
  });

/** Mirroring and calibration are fitted, and not by small steps. */
const isTrained = ([name]: readonly [string, unknown]): boolean =>
  name !== 'mirroring' && name !== 'calibration';

const own: TrainingConfiguration = {
  ...configuration,
  name: 'own',
  stages: [
    { ...configuration.stages[0]!, iterations: 1 },
    { ...configuration.stages[2]!, reinitialize: true, shapes },
  ],
};

describe('fine-tuning a checkpoint on other images', () => {
  const tuned = fineTuning(own, checkpoint(), 2);
  let after: Checkpoint;
  beforeAll(async () => {
    const folder = await train(tuned, { from: checkpoint(), data: others() });
    after = decodeCheckpoint(await readFile(folder.checkpointPath));
  });

  it('is the last stage for so many iterations, from the checkpoint’s weights, however far that was trained', async () => {
    expect(
      tuned.stages.map(({ stage, iterations, reinitialize }) => [stage, iterations, reinitialize]),
    ).toEqual([['retrain', 2, false]]);
    expect(await stepsOf('own')).toEqual([1, 2]);
    expect(after.training['iterations']).toBe(2);
    expect(after.parameters).not.toEqual(checkpoint().parameters);
    // two small steps of Adam away from the checkpoint, not drawn anew
    const before = Object.entries(checkpoint().parameters).filter(isTrained);
    const moves = before.map(([name, values]) =>
      values.reduce((most, x, i) => Math.max(most, Math.abs(x - after.parameters[name]![i]!)), 0),
    );
    expect(Math.max(...moves)).toBeGreaterThan(0);
    expect(Math.max(...moves)).toBeLessThan(0.01);
  });

  it('validates and calibrates with as many ways as there are classes', () => {
    expect(after.parameters['calibration']).not.toEqual(Float32Array.of(1, 0, 0));
  });

  it('leaves the calibration as it is without validation classes', async () => {
    const data = others((domain) => ({
      ...domain,
      classes: domain.classes.filter(({ split }) => split !== 'val'),
    }));
    const folder = await train({ ...tuned, name: 'unvalidated' }, { from: checkpoint(), data });
    const { parameters } = decodeCheckpoint(await readFile(folder.checkpointPath));
    expect(parameters['calibration']).toEqual(Float32Array.of(1, 0, 0));
  });

  it('leaves the mirroring as it is where every shape has too many shots for it', async () => {
    const [stage] = tuned.stages;
    const more = { ...stage!, shapes: [{ way: 2, shot: 2, query: 1, weight: 1 }] };
    const fitted = {
      ...checkpoint().parameters,
      mirroring: checkpoint().parameters['mirroring']!.map((_, i) => i),
    };
    const folder = await train(
      { ...tuned, name: 'more-shots', stages: [more] },
      { from: { ...checkpoint(), parameters: fitted }, data: others() },
    );
    const { parameters } = decodeCheckpoint(await readFile(folder.checkpointPath));
    expect(parameters['mirroring']).toEqual(fitted.mirroring);
  });

  it('names the keys of a model that the checkpoint has otherwise', async () => {
    const model = { ...configuration.model, encoder: { ...configuration.model.encoder, features: 5 } };
    await expect(Trainer.start(tuned, others(), folderOf('odd'), checkpoint(model))).rejects.toThrow(
      'checkpoint before is of another model: model.encoder must be as in the checkpoint',
    );
  });

  it('learns all training classes, which no stage before has learned a part of', () => {
    const classify = { architectures: [] } as unknown as NonNullable<TrainingConfiguration['classify']>;
    const whole = { ...own, classify };
    expect(fineTuning(whole, checkpoint())).not.toHaveProperty('classify');
    expect(fineTuning(own, checkpoint()).stages[0]!.iterations).toBe(configuration.stages[2]!.iterations);
  });

  it('leaves out what the checkpoint’s cells were taught by the same stage', () => {
    const classify = { architectures: ['x'] } as unknown as NonNullable<TrainingConfiguration['classify']>;
    const whole = { ...own, classify };
    const of = (told: object) => ({
      training: JSON.parse(JSON.stringify({ configuration: told })) as Checkpoint['training'],
    });
    expect(fineTuning(whole, of({ ...whole, name: 'another', seed: 7 }))).toMatchObject({ classify });
    const [first, ...rest] = own.domains;
    const otherwise = [{ ...first!, classified: 0.1 }, ...rest];
    for (const told of [own, { ...whole, domains: otherwise }, { ...whole, classify: { architectures: [] } }])
      expect(fineTuning(whole, of(told))).not.toHaveProperty('classify');
  });
});

describe('how a run begins with a checkpoint', () => {
  it('depends on where the checkpoint comes from', () => {
    const of = (training: object): Checkpoint => ({ ...checkpoint(), training: { ...training } });
    expect(beginningOf(own, of({ iterations: 0, classified: 9 }))).toBe('classified');
    expect(beginningOf(own, of({ iterations: 2, configuration: own }))).toBe('unfinished');
    expect(beginningOf(own, of({ iterations: 4, configuration: own }))).toBe('fine-tuned');
    expect(beginningOf(own, of({ iterations: 2, configuration: { ...own, seed: 9 } }))).toBe('fine-tuned');
    expect(beginningOf(own, of({}))).toBe('fine-tuned');
  });
});

describe('images that are too few for a shape', () => {
  it('are told before the first iteration: the shape, what it needs and what is there', async () => {
    const [stage] = configuration.stages;
    const stages = [stage!, { ...stage!, shapes: [...shapes, { way: 2, shot: 3, query: 1, weight: 1 }] }];
    expect(() => requireTasks({ stages }, others())).toThrow(
      'stages[1].shapes[1] (shot 3) needs two training classes of 4 images in a domain: add images, or take a smaller shot\n' +
        'a: 2 training classes, the largest of 3, 3 images; b: 2 training classes, the largest of 3, 3 images',
    );
    await expect(Trainer.start({ ...own, stages }, others(), folderOf('few'), 'new')).rejects.toThrow(
      'needs two training classes',
    );
  });

  it('leave the shape to the domains that have enough', async () => {
    const data = [syntheticDomain('a', 16, 2, 3), syntheticDomain('b', 16, 2, 8)];
    const [stage] = fineTuning(own, checkpoint()).stages;
    const large = { ...stage!, iterations: 3, shapes: [{ way: 2, shot: 4, query: 2, weight: 1 }] };
    await train({ ...own, name: 'uneven', stages: [large] }, { from: checkpoint(), data });
    expect(await stepsOf('uneven')).toEqual([1, 2, 3]);
  });
});
