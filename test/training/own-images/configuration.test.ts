import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { encodeCheckpoint } from '../../../model/checkpoint/checkpoint.ts';
import { readTrainingConfiguration } from '../../../training/outer-loop/configuration.ts';
import { ownConfiguration, withPossibleShapes } from '../../../training/own-images/configuration.ts';
import { defaultCheckpoint, planOwnImages } from '../../../training/own-images/plan.ts';
import { servingCommand } from '../../../training/own-images/served.ts';
import { trunkCard } from '../../../training/planes/model-planes.ts';
import { readCheckpoint } from '../../../training/run/read-checkpoint.ts';
import { RunFolder } from '../../../training/run/run-folder.ts';
import { loadCheckpoints } from '../../../server/workers/load-checkpoints.ts';
import { writeImages } from '../../support/image-folder.ts';
import { sharedFolder } from '../../support/shared-folder.ts';
import { tinyImages } from '../../support/tiny-images.ts';

const root = sharedFolder();
const domains = [{ name: 'mine', path: '/mine', heldOut: 'images' as const }];
const run = { name: 'mine', domains, mirror: true, iterations: 7, workers: 2 };

describe('the configuration of own images', () => {
  it('has the model of the bundled default, its trunk’s planes and the folder, and can be read again', async () => {
    const path = await defaultCheckpoint();
    const checkpoint = await readCheckpoint(path);
    const trunk = trunkCard(path, checkpoint.configuration)!;
    const configuration = await ownConfiguration({ ...run, checkpoint, trunk });
    expect(configuration.model).toEqual(checkpoint.configuration);
    expect(configuration.stages.map(({ stage, iterations }) => [stage, iterations])).toEqual([
      ['retrain', 7],
    ]);
    const [{ source, views }] = configuration.domains as [(typeof configuration.domains)[number]];
    expect(source).toEqual({
      kind: 'folder',
      name: 'mine',
      path: '/mine',
      splits: { val: 0.15, test: 0.25, of: 'images' },
    });
    expect(views).toEqual({ mirror: true, crops: 4, served: false });
    const taps = checkpoint.configuration.trunk!.taps.map(({ name }) => name);
    expect(configuration.planes).toMatchObject({ trunk, taps });
    await writeFile(root('kept.yaml'), stringify(configuration));
    expect(await readTrainingConfiguration(root('kept.yaml'))).toEqual(configuration);
  });

  it('has flips in place of views without a trunk, where the images may be mirrored', async () => {
    const own = { ...run, checkpoint: tinyImages, trunk: undefined };
    const [given] = (await ownConfiguration(own)).domains;
    expect(given).toMatchObject({ augmentation: { flip: true }, source: { name: 'mine' } });
    expect(given!.views).toBeUndefined();
    const [writing] = (await ownConfiguration({ ...own, mirror: false })).domains;
    expect(writing!.augmentation.flip).toBe(false);
  });

  it('keeps the shapes that the images are enough for', async () => {
    const configuration = await ownConfiguration({ ...run, checkpoint: tinyImages, trunk: undefined });
    const classes = [0, 1].map((i) => ({ name: `${i}`, split: 'train' as const, first: 4 * i, count: 4 }));
    const { stages } = withPossibleShapes(configuration, [{ name: 'mine', classes }]);
    expect(configuration.stages[0]!.shapes.map(({ shot }) => shot)).toEqual([1, 5]);
    expect(stages[0]!.shapes.map(({ shot }) => shot)).toEqual([1]);
  });
});

describe('the plan of own images', () => {
  it('takes the folder’s name, another one where a bundled checkpoint has it, and names a checkpoint that is not there', async () => {
    await writeImages(root('photos-small'), { cat: 6, dog: 6 });
    const options = { images: root('photos-small'), mirror: true, workers: 1 };
    const { configuration, checkpoint } = await planOwnImages(options);
    expect(configuration.name).toBe('own-photos-small');
    expect(`${checkpoint.id}.safetensors`).toBe(basename(await defaultCheckpoint()));
    expect((await planOwnImages({ ...options, name: 'other' })).configuration.name).toBe('other');
    await expect(planOwnImages({ ...options, from: root('none') })).rejects.toThrow(
      `there is no checkpoint ${root('none')}`,
    );
    await writeFile(root('odd.safetensors'), 'no checkpoint');
    await expect(planOwnImages({ ...options, from: root('odd.safetensors') })).rejects.toThrow(
      `${root('odd.safetensors')}: `,
    );
  });

  it('ends with a folder that the service takes, whatever else the run keeps', async () => {
    const folder = new RunFolder(root('it’s'));
    await mkdir(folder.path);
    await writeFile(folder.checkpointPath, encodeCheckpoint({ ...tinyImages, id: 'mine' }));
    const command = await servingCommand(folder, 'mine');
    expect(command).toBe(
      `MNAS_CHECKPOINTS='${root('it’s', 'served')}' MNAS_DEFAULT_CHECKPOINT=mine npm start`,
    );
    const served = await readFile(root('it’s', 'served', 'mine.safetensors'));
    expect(served).toEqual(await readFile(folder.checkpointPath));
    const sources = { bundled: root('nowhere'), added: root('it’s', 'served'), defaultId: 'mine' };
    expect((await loadCheckpoints(sources)).map(({ id }) => id)).toEqual(['mine']);
  });
});
