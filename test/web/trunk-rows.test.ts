import { fileURLToPath } from 'node:url';
import * as onnxruntime from 'onnxruntime-web/wasm';
import { afterAll, describe, expect, it } from 'vitest';
import { createOnnxExecutor } from '../../engine/onnxruntime.ts';
import { bundledTrunk, readTrunk } from '../../engine/trunk/file.ts';
import type { ModelRunner } from '../../model/graph/executor.ts';
import { toFloat } from '../../model/task/pixels.ts';
import { rowsOf } from '../../model/trunk/rows.ts';
import type { RunJob } from '../../server/workers/jobs.ts';
import { supportRows as servedRows } from '../../server/workers/trunk-rows.ts';
import { WebExecutor } from '../../web/device/executor.ts';
import { supportRows, warmTrunk } from '../../web/device/trunk-rows.ts';
import { largestDifference } from '../support/differences.ts';
import { randomTrunkGraph as trunk, trunkConfiguration, trunkSide } from '../support/random-trunk.ts';
import { testRandom } from '../support/random.ts';

const native = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 10 });
afterAll(() => native.dispose());

onnxruntime.env.wasm.numThreads = 1;
const web = new WebExecutor(onnxruntime);

const noise = (length: number, seed: number): Uint8Array => {
  const next = testRandom(seed);
  return Uint8Array.from({ length }, () => 127 * (next() + 1));
};

describe('rows by onnxruntime-web', () => {
  it('of the bundled trunk are the rows of the service', async () => {
    const trunk = await readTrunk(fileURLToPath(bundledTrunk));
    const { side, taps } = trunk.card;
    const read = ['b4', 'b10', 'b15'].map((name) => {
      const { channels, side: own } = taps[name]!;
      return { name, channels, side: own === 20 ? 10 : own };
    });
    const images = { data: toFloat(noise(2 * 3 * side ** 2, 1)), shape: [2, 3, side, side] };
    const of = (models: ModelRunner) => rowsOf(models, trunk, read, images);
    expect(largestDifference(await of(web), await of(native))).toBeLessThan(1e-4);
  });
});

describe('rows of a support set on a device', () => {
  const configuration = trunkConfiguration();
  const image = 3 * trunkSide ** 2;

  /** The service's job on this thread. */
  const run = (async (_job: 'planes', { pixels }: { readonly pixels: Uint8Array }) =>
    rowsOf(native, trunk, configuration.trunk!.taps, {
      data: toFloat(pixels),
      shape: [pixels.length / image, 3, trunkSide, trunkSide],
    })) as unknown as RunJob;

  it.each([
    { labels: ['cat', 'dog', 'emu'], crops: 2, read: 4 },
    { labels: ['cat', 'cat', 'dog', 'emu', 'emu'], crops: 0, read: 2 },
    { labels: ['cat', 'cat', 'cat', 'dog', 'dog', 'dog'], crops: 0, read: 1 },
  ])('are those of the service: $labels', async ({ labels, crops, read }) => {
    const pixels = labels.map((_, i) => noise((1 + crops) * image, i));
    const support = labels.map((label, i) => ({ label, pixels: pixels[i]! }));
    const { mirroring, crops: cropped } = configuration;
    const { name, licence, side, sha256 } = trunk.card;
    const served = { name, licence, side, sha256, card: 'unread', bytes: 1, multiplyAdds: 1 };
    const views = { mirroring: mirroring!, crops: cropped! };
    const request = { checkpoint: 'x', steps: 1, support };
    const expected = await servedRows(run, request, { trunk: served, views }, 2, {});

    const asked: number[] = [];
    const rows = await supportRows(web, trunk, configuration, {
      labels,
      pixels: (place, count) => {
        expect(count).toBe(crops);
        asked.push(place);
        return Promise.resolve(pixels[place]!);
      },
    });
    expect(asked).toEqual([...labels.keys()]);
    expect(rows.views).toHaveLength(read);
    expect(rows.views).toEqual(expected.views);
    expect(largestDifference(rows.all, expected.all)).toBeLessThan(1e-5);
  });

  it('come from the trunk that was compiled beforehand', async () => {
    const compiled = new Set<string>();
    const models: ModelRunner = {
      model: (key, load) => {
        compiled.add(key);
        return web.model(key, load);
      },
    };
    await warmTrunk(models, trunk, configuration);
    expect(compiled.size).toBe(1);
    const pixels = () => Promise.resolve(noise(image, 1));
    await supportRows(models, trunk, configuration, { labels: ['cat', 'cat', 'dog', 'dog'], pixels });
    expect(compiled.size).toBe(1);
  });
});
