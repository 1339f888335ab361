import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeCheckpoint } from '../../../model/checkpoint/checkpoint.ts';
import { parseModelConfiguration } from '../../../model/configuration.ts';
import { initialParameters } from '../../../model/parameters.ts';
import { keyFrom } from '../../../model/random.ts';
import { encodeTensors } from '../../../model/checkpoint/safetensors.ts';
import { encodeRegressionCheckpoint } from '../../../model/regression/checkpoint.ts';
import { CheckpointSetupError, loadCheckpoints } from '../../../server/workers/load-checkpoints.ts';
import { tinyImages } from '../../support/tiny-images.ts';
import { tinyRegression } from '../../support/tiny-regression.ts';
import { temporaryFolder } from '../support/harness.ts';

const { configuration, parameters } = tinyImages;

/** A folder with a checkpoint of each id, those that begin with `toy` of regression; `seed` tells files of one id apart. */
async function folderOf(ids: readonly string[], seed = 1): Promise<string> {
  const folder = await temporaryFolder();
  for (const id of ids) {
    const bytes = id.startsWith('toy')
      ? encodeRegressionCheckpoint(tinyRegression({ id, order: 'drawn' }))
      : encodeCheckpoint({ id, configuration, parameters, genotypes: [], training: { seed } });
    await writeFile(join(folder, `${id}.safetensors`), bytes);
  }
  return folder;
}

async function load(bundled: string, added?: string, defaultId?: string): Promise<string[]> {
  return (await loadCheckpoints({ bundled, added, defaultId })).map(({ id }) => id);
}

describe('loadCheckpoints', () => {
  test('the default comes first: the bundled one, whatever is added, unless another is named', async () => {
    const bundled = await folderOf(['photos']);
    const added = await folderOf(['zebras', 'apples', 'photos']);
    expect(await load(bundled)).toEqual(['photos']);
    expect(await load(bundled, added)).toEqual(['photos', 'apples', 'zebras']);
    expect(await load(bundled, added, 'zebras')).toEqual(['zebras', 'apples', 'photos']);
  });

  test('the bundled default of images is the one that default.json names', async () => {
    const bundled = await folderOf(['apples', 'photos', 'toy']);
    const name = (text: string) => writeFile(join(bundled, 'default.json'), text);
    expect(await load(bundled)).toEqual(['apples', 'toy', 'photos']);
    await name('{"images": "photos"}');
    expect(await load(bundled)).toEqual(['photos', 'toy', 'apples']);
    expect(await load(bundled, await folderOf(['zebras']), 'zebras')).toEqual([
      'zebras',
      'toy',
      'apples',
      'photos',
    ]);
    for (const missing of ['zebras', 'toy']) {
      await name(`{"images": "${missing}"}`);
      await expect(load(bundled, await folderOf(['zebras']))).rejects.toThrow(
        `default.json: ${missing} is no checkpoint of images in the folder of this file`,
      );
    }
    for (const text of ['photos', '{"points": "toy"}']) {
      await name(text);
      await expect(load(bundled)).rejects.toThrow('default.json is not {"images": "ID"}');
    }
  });

  test('without a bundled one it is the first id', async () => {
    const added = await folderOf(['zebras', 'apples']);
    expect(await load(join(added, 'nothing'), added)).toEqual(['apples', 'zebras']);
    expect(await load(join(added, 'nothing'))).toEqual([]);
  });

  test('each kind has a default of its own', async () => {
    const bundled = await folderOf(['photos']);
    const added = await folderOf(['apples', 'toy-b', 'toy-a', 'zebras']);
    const load = async (folder: string, defaultId?: string) => {
      const files = await loadCheckpoints({ bundled: folder, added, defaultId });
      return files.map((file) => `${file.id} ${file.kind}${file.default ? ' default' : ''}`);
    };
    expect(await load(bundled)).toEqual([
      'photos images default',
      'toy-a regression default',
      'apples images',
      'toy-b regression',
      'zebras images',
    ]);
    expect((await load(bundled, 'toy-b')).slice(0, 2)).toEqual([
      'photos images default',
      'toy-b regression default',
    ]);
    expect((await load(bundled, 'zebras')).slice(0, 2)).toEqual([
      'zebras images default',
      'toy-a regression default',
    ]);
    const both = await folderOf(['photos', 'toy-z']);
    expect((await load(both)).slice(0, 2)).toEqual(['photos images default', 'toy-z regression default']);
  });

  test('hidden files are none, such as macOS makes beside what it copies', async () => {
    const bundled = await folderOf(['photos']);
    await writeFile(join(bundled, '._photos.safetensors'), 'Mac OS X');
    expect(await load(bundled)).toEqual(['photos']);
  });

  test('what cannot be served is refused by name, with the reason', async () => {
    const bundled = await folderOf(['photos']);
    const missing = join(bundled, 'missing');
    const refused = async (loading: Promise<unknown>, ...words: string[]) => {
      const error = await loading.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CheckpointSetupError);
      for (const word of words) expect((error as Error).message).toContain(word);
    };
    await refused(load(bundled, missing), 'MNAS_CHECKPOINTS', missing);
    await refused(load(bundled, undefined, 'apples'), 'MNAS_DEFAULT_CHECKPOINT', 'apples', 'photos');
    await refused(load(bundled, await folderOf(['photos'], 2)), 'same id photos');
    const broken = await temporaryFolder();
    await mkdir(join(broken, 'a.safetensors'));
    await refused(load(bundled, broken), 'a.safetensors', 'EISDIR');
    const foreign = await temporaryFolder();
    const bytes = encodeTensors({ tensors: {}, metadata: { format: 'm-nas-audio/1' } });
    await writeFile(join(foreign, 'b.safetensors'), bytes);
    await refused(load(bundled, foreign), 'b.safetensors', 'm-nas-audio/1');
    const conv4 = await temporaryFolder();
    const model = parseModelConfiguration({ image: { size: 16 }, network: { kind: 'conv4', filters: 2 } });
    const learned = initialParameters(model, keyFrom(1));
    const file = { id: 'maml', configuration: model, parameters: learned, genotypes: [], training: {} };
    await writeFile(join(conv4, 'c.safetensors'), encodeCheckpoint(file));
    await refused(load(bundled, conv4), 'c.safetensors', 'conv4');
    const linear = await temporaryFolder();
    const five = parseModelConfiguration({ image: { size: 16 }, head: { kind: 'linear', outputs: 5 } });
    const own = { ...file, configuration: five, parameters: initialParameters(five, keyFrom(1)) };
    await writeFile(join(linear, 'd.safetensors'), encodeCheckpoint(own));
    await refused(load(bundled, linear), 'd.safetensors', '5 outputs');
  });
});
