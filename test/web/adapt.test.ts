import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as onnxruntime from 'onnxruntime-web/wasm';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MnasClient } from '../../client/index.ts';
import { genotypeKey } from '../../model/search-space/genotype.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import { decodePicture } from '../../images/decode.ts';
import { adaptToFiles } from '../../web/device/adapt.ts';
import type { DeviceTask } from '../../web/device/adapt.ts';
import { WebExecutor } from '../../web/device/executor.ts';
import { ServerFiles } from '../../web/device/load.ts';
import type { Adapted, LabelledFile, Progress } from '../../web/device/messages.ts';
import { ownService } from '../server/support/own-service.ts';
import type { OwnService } from '../server/support/own-service.ts';
import { largestDifference } from '../support/differences.ts';
import { genotypesByDepth, trunkSide } from '../support/random-trunk.ts';
import { testRandom } from '../support/random.ts';
import { slowUnless } from '../support/slow.ts';
import { tinyImages } from '../support/tiny-images.ts';
import { writeTrunkCheckpoint } from '../support/trunk-files.ts';

onnxruntime.env.wasm.numThreads = 1;
const executor = new WebExecutor(onnxruntime);

/** A picture of noise, not square and larger than what the networks see. */
async function picture(seed: number): Promise<File> {
  const next = testRandom(seed);
  const [width, height] = [48 + seed, 36];
  const data = Uint8Array.from({ length: 3 * width * height }, () => 127 * (next() + 1));
  const bytes = await sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
  return new File([Uint8Array.from(bytes)], `${seed}.png`);
}

async function supportOf(shots: Readonly<Record<string, number>>): Promise<LabelledFile[]> {
  const labels = Object.entries(shots).flatMap(([label, count]) => Array<string>(count).fill(label));
  return Promise.all(labels.map(async (label, i) => ({ label, file: await picture(i) })));
}

async function adapt(task: DeviceTask): Promise<{ adapted: Adapted; told: Progress[] }> {
  const told: Progress[] = [];
  const decode = async (file: Blob) => decodePicture(new Uint8Array(await file.arrayBuffer()));
  const adapted = await adaptToFiles(task, { executor, decode, tell: (progress) => told.push(progress) });
  return { adapted, told };
}

describe('a task on a trunk that is made on a device', () => {
  let folder: string;
  let service: OwnService;
  let client: MnasClient;
  let device: Omit<DeviceTask, 'support'>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'm-nas-device-'));
    await writeTrunkCheckpoint(folder, 'standing');
    await writeTrunkCheckpoint(folder, 'choosing', {}, genotypesByDepth);
    service = await ownService({ MNAS_CHECKPOINTS: folder, MNAS_DEFAULT_CHECKPOINT: 'standing' });
    client = new MnasClient({ baseUrl: service.url });
    device = await loaded('standing');
  }, 120_000);
  afterAll(async () => {
    await service.stop();
    await rm(folder, { recursive: true });
  }, 120_000);

  /** A checkpoint and its trunk, as the page's worker loads them. */
  async function loaded(checkpoint: string): Promise<Omit<DeviceTask, 'support'>> {
    const known = (await client.checkpoints()).find(({ id }) => id === checkpoint);
    if (known?.kind !== 'images' || !known.trunk) throw new Error('the checkpoint is not served');
    const files = new ServerFiles();
    return {
      checkpoint: await files.checkpoint(
        { url: `${service.url}/v1/checkpoints/${checkpoint}/file`, bytes: known.bytes },
        {},
      ),
      trunk: await files.trunk({ ...known.trunk, url: service.url + known.trunk.url }, {}),
      steps: known.steps,
    };
  }

  /** Probabilities and `known` of some images by an exported model. */
  async function answers(key: string, model: Uint8Array): Promise<Float32Array[]> {
    const next = testRandom(99);
    const data = Float32Array.from({ length: 4 * 3 * trunkSide ** 2 }, () => (next() + 1) / 2);
    const program = await executor.model(key, () => model);
    const { probabilities, known } = await program.run({
      image: { data, shape: [4, 3, trunkSide, trunkSide] },
    });
    program.release();
    return [probabilities!.data, known!.data];
  }

  const daily = ['mirror images and crops', 'whole images'];
  for (const [views, shots] of Object.entries({
    'mirror images and crops': { cat: 1, dog: 1 },
    'mirror images': { cat: 2, dog: 1 },
    'whole images': { cat: 3, dog: 5, emu: 2 },
  }))
    it(`is the one that the service makes: ${views}`, slowUnless(daily.includes(views)), async () => {
      const support = await supportOf(shots);
      const form = Object.fromEntries(
        Object.keys(shots).map((name) => [
          name,
          support.filter(({ label }) => label === name).map(({ file }) => file as File),
        ]),
      );
      // all that the service says comes first: what the device computes blocks this thread, and connections end meanwhile
      const served = await client.createTask(form);
      const model = await client.getModel(served.id);
      const embedding = await client.getEmbedding(served.id);
      const several = support.length > Object.keys(shots).length;
      const estimate = several ? await client.estimate(form) : undefined;

      const { adapted, told } = await adapt({ ...device, support });
      expect(adapted).toMatchObject({
        size: trunkSide,
        labels: served.labels,
        genotype: served.architecture.genotype,
        mirrored: served.mirrored,
        weights: served.architecture.weights,
        multiplyAdds: served.architecture.multiplyAdds,
      });
      expect(largestDifference(adapted.embedding, embedding)).toBeLessThan(1e-5);
      const [here, there] = [await answers('here', adapted.model), await answers('there', model)];
      here.forEach((values, i) => expect(largestDifference(values, there[i]!)).toBeLessThan(1e-4));
      // the classes are told apart, or the comparison would say nothing
      expect(Math.max(...here[0]!) - Math.min(...here[0]!)).toBeGreaterThan(0.05);
      expect(adapted.evaluation).toEqual(estimate?.evaluation);
      expect(told.slice(-2)).toEqual([{ stage: 'architecture' }, { stage: 'weights' }]);
      // images count when they have gone through the trunk, and all of them in the end
      const ready = told.slice(0, -2).map(({ done }) => done!);
      expect(ready).toEqual(ready.toSorted((a, b) => a - b));
      expect(ready[0]).toBe(0);
      expect(told.at(-3)).toEqual({ stage: 'images', done: support.length, total: support.length });
    });

  it('keeps a budget as the service does, and says what is least where nothing fits', async () => {
    const support = await supportOf({ cat: 2, dog: 2 });
    const form = Object.fromEntries(
      ['cat', 'dog'].map((name) => [
        name,
        support.filter(({ label }) => label === name).map(({ file }) => file as File),
      ]),
    );
    const choosing = await loaded('choosing');
    const known = (await client.checkpoints({ ways: 2 })).find(({ id }) => id === 'choosing');
    if (known?.kind !== 'images') throw new Error('the checkpoint is not served');
    const sizes = known.architectures!.choices.map(({ bytes }) => bytes + 'catdog'.length);
    const served: [{ maxBytes: number }, string, boolean, number][] = [];
    for (const maxBytes of sizes) {
      const { architecture, mirrored, model } = await client.createTask(form, {
        checkpoint: 'choosing',
        maxBytes,
      });
      served.push([{ maxBytes }, genotypeKey(architecture.genotype as Genotype), mirrored, model.bytes]);
    }
    for (const [budget, key, mirrored, bytes] of served) {
      const { adapted } = await adapt({ ...choosing, support, budget });
      expect([genotypeKey(adapted.genotype), adapted.mirrored]).toEqual([key, mirrored]);
      expect(adapted.model.length).toBe(bytes);
      expect(bytes).toBeLessThanOrEqual(budget.maxBytes);
    }
    expect(new Set(served.map(([, key]) => key)).size).toBeGreaterThan(1);
    await expect(adapt({ ...choosing, support, budget: { maxBytes: sizes[0]! - 1 } })).rejects.toThrow(
      `the least possible is ${sizes[0]!}`,
    );
  });
});

describe('a task of pixels that is made on a device', () => {
  it('has the side of its checkpoint and no evaluation of its own', async () => {
    const support = await supportOf({ cat: 2, dog: 1 });
    const { adapted, told } = await adapt({ checkpoint: tinyImages, steps: 1, support });
    expect(adapted).toMatchObject({ labels: ['cat', 'dog'], size: 16 });
    expect(adapted.evaluation).toBeUndefined();
    expect(told.map(({ stage }) => stage)).toEqual(['images', 'images', 'images', 'architecture', 'weights']);
  });
});
