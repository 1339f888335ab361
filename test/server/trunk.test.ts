import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { pino } from 'pino';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Schema } from '../../contract/schema.ts';
import { decodeImage } from '../../images/decode.ts';
import { bestOf } from '../../model/accuracy/ranking.ts';
import { decodeModel } from '../../model/graph/onnx/encode.ts';
import { genotypeKey } from '../../model/search-space/genotype.ts';
import { toFloat } from '../../model/task/pixels.ts';
import { parseConfiguration } from '../../server/configuration.ts';
import { startService } from '../../server/service.ts';
import type { Service } from '../../server/service.ts';
import { sha256 } from '../../server/storage/sha256.ts';
import { loadCheckpoints } from '../../server/workers/load-checkpoints.ts';
import { genotypesByDepth, trunkSide } from '../support/random-trunk.ts';
import { testRandom } from '../support/random.ts';
import { trunkHash, writeTrunkCheckpoint } from '../support/trunk-files.ts';
import { temporaryFolder } from './support/harness.ts';

/** A picture of noise, larger than the trunk's side. */
function picture(seed: number): Promise<Buffer> {
  const next = testRandom(seed);
  const [width, height] = [48, 36];
  const data = Uint8Array.from({ length: 3 * width * height }, () => 127 * (next() + 1));
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

const shots = { cat: 2, dog: 1, emu: 1 };

async function support(order: 1 | -1 = 1, of: Readonly<Record<string, number>> = shots): Promise<FormData> {
  const form = new FormData();
  const parts: [string, Buffer][] = [];
  for (const [c, [label, count]] of Object.entries(of).entries())
    for (let i = 0; i < count; i++) parts.push([label, await picture(10 * c + i)]);
  if (order < 0) parts.reverse();
  for (const [label, bytes] of parts) form.append(label, new Blob([Uint8Array.from(bytes)]), 'x.png');
  return form;
}

let folder: string;
let service: Service;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'm-nas-trunk-'));
  await writeTrunkCheckpoint(folder, 'standing');
  await writeTrunkCheckpoint(folder, 'choosing', {}, genotypesByDepth, { int8: true });
  const configuration = parseConfiguration({
    PORT: '0',
    MNAS_DATA_DIR: join(folder, 'data'),
    MNAS_WORKERS: '2',
    MNAS_QUEUE: '0',
    MNAS_CHECKPOINTS: folder,
    MNAS_DEFAULT_CHECKPOINT: 'standing',
  });
  service = await startService(configuration, pino({ level: 'silent' }));
}, 120_000);
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true });
}, 120_000);

async function post(path: string, body: FormData): Promise<{ status: number; body: unknown }> {
  const answer = await fetch(service.url + path, { method: 'POST', body });
  return { status: answer.status, body: await answer.json() };
}

async function made(form: FormData, query = ''): Promise<{ status: number; task: Schema<'ImagesTask'> }> {
  const { status, body } = await post(`/v1/tasks${query}`, form);
  return { status, task: body as Schema<'ImagesTask'> };
}

async function load(path: string): Promise<Uint8Array> {
  return new Uint8Array(await (await fetch(service.url + path)).arrayBuffer());
}

/** What a file says of a picture, of one that is in no support set unless another is named. */
async function outputsOf(file: Uint8Array, seed = 77): Promise<ort.InferenceSession.OnnxValueMapType> {
  const session = await ort.InferenceSession.create(file, { logSeverityLevel: 3 });
  const pixels = toFloat(await decodeImage(await picture(seed), trunkSide));
  const image = new ort.Tensor('float32', pixels, [1, 3, trunkSide, trunkSide]);
  const outputs = await session.run({ image });
  await session.release();
  return outputs;
}

/** The class that a file takes a picture for, by its place. */
const likeliest = ({ probabilities }: ort.InferenceSession.OnnxValueMapType): number =>
  bestOf(probabilities!.data as Float32Array);

/** The service says of that picture what the file says. */
async function expectParity(task: Schema<'ImagesTask'>, file: Uint8Array): Promise<void> {
  const form = new FormData();
  form.append('images', new Blob([Uint8Array.from(await picture(77))]), 'q.png');
  const answered = await post(`/v1/tasks/${task.id}/predictions`, form);
  const { predictions } = answered.body as Schema<'ImagesPredictions'>;
  const { probabilities } = await outputsOf(file);
  task.labels.forEach((label, c) =>
    expect(predictions[0]!.probabilities[label]).toBeCloseTo(probabilities!.data[c] as number, 5),
  );
}

describe('a checkpoint on a trunk', () => {
  it('is listed with its trunk, whose file never changes under its URL', async () => {
    const listed = (await (await fetch(`${service.url}/v1/checkpoints`)).json()) as Schema<'Checkpoints'>;
    const [first] = listed.checkpoints;
    const url = `/v1/trunks/${trunkHash}`;
    expect(first).toMatchObject({
      id: 'standing',
      image: { size: trunkSide },
      trunk: { name: 'tiny', licence: 'CC0-1.0', side: trunkSide, url, sha256: trunkHash },
    });
    const file = await fetch(service.url + url);
    expect(sha256(new Uint8Array(await file.arrayBuffer()))).toBe(trunkHash);
    expect(file.headers.get('cache-control')).toContain('immutable');
    expect((await fetch(`${service.url}/v1/trunks/${'0'.repeat(64)}`)).status).toBe(404);
  });

  it('makes a task, the same one in any order; its file and its predictions agree', async () => {
    const { status, task } = await made(await support());
    expect(status).toBe(201);
    expect(task).toMatchObject({ checkpoint: 'standing', labels: ['cat', 'dog', 'emu'], mirrored: true });
    expect(task.architecture.genotype.taps?.slots).toHaveProperty('reduction.0');
    expect(Object.keys(task.timings)).toContain('planes');
    expect(await made(await support(-1))).toMatchObject({ status: 200, task: { id: task.id } });

    const file = await load(task.model.url);
    expect(sha256(file)).toBe(task.model.sha256);
    await expectParity(task, file);
    const cells = await fetch(`${service.url}/v1/tasks/${task.id}/architecture.json`);
    expect(cells.status).toBe(200);
  });

  it('takes crops of the images themselves into account at one shot', async () => {
    const one = { cat: 1, dog: 1 };
    const { task } = await made(await support(1, one));
    const small = new FormData();
    for (const [c, label] of Object.keys(one).entries()) {
      // the same pixels at the trunk's side, so only the crops differ
      const whole = await decodeImage(await picture(10 * c), trunkSide);
      const area = trunkSide ** 2;
      const data = Uint8Array.from(
        { length: 3 * area },
        (_, i) => whole[(i % 3) * area + Math.floor(i / 3)]!,
      );
      const raw = { width: trunkSide, height: trunkSide, channels: 3 } as const;
      const bytes = await sharp(data, { raw }).png().toBuffer();
      small.append(label, new Blob([Uint8Array.from(bytes)]), 'x.png');
    }
    const { status, task: other } = await made(small);
    expect(status).toBe(201);
    expect(other.id).not.toBe(task.id);
    expect(other.model.sha256).not.toBe(task.model.sha256);
  });

  it('estimates by one adaptation', async () => {
    const { status, body } = await post('/v1/estimates', await support());
    expect(status).toBe(200);
    expect(body).toMatchObject({ checkpoint: 'standing', folds: 1, evaluation: { images: 2 } });
    const { folds, evaluation } = body as Schema<'Estimate'>;
    const { task } = await made(await support());
    expect(task.estimate).toEqual({ folds, evaluation }); // of the adaptation that made it
    expect((await post('/v1/estimates', await support(1, { cat: 1, dog: 1 }))).status).toBe(422);
  });
});

describe('a budget on a trunk', () => {
  const choicesFor = async (ways: number) => {
    const listed = JSON.parse(
      new TextDecoder().decode(await load(`/v1/checkpoints?ways=${ways}`)),
    ) as Schema<'Checkpoints'>;
    const choosing = listed.checkpoints.find(({ id }) => id === 'choosing') as Schema<'ImagesCheckpoint'>;
    return choosing.architectures!.choices;
  };
  const lettersOf = (labels: readonly string[]) => labels.join('').length;

  it('chooses how deep the trunk is read, and every cost is as listed', async () => {
    const choices = await choicesFor(3);
    expect(choices.map(({ key }) => key)).toEqual(genotypesByDepth.map(genotypeKey));
    const depths: (string | undefined)[] = [];
    for (const { key, weights, mirrored } of choices) {
      const { status, task } = await made(await support(), `?checkpoint=choosing&maxWeights=${weights}`);
      expect(status).toBe(201);
      expect(task.budget).toEqual({ maxWeights: weights });
      expect(task.architecture.weights).toBeLessThanOrEqual(weights);
      const file = await load(task.model.url);
      await expectParity(task, file);
      const { nodes, metadata } = decodeModel(file);
      expect(choices.map((choice) => choice.key)).toContain(metadata!['genotype_key']);
      depths.push(nodes.findLast(({ name = '' }) => /^trunk\/\w+\.linear$/.test(name))!.name);
      if (metadata!['genotype_key'] !== key) continue;
      expect(task.architecture).toMatchObject({ weights, multiplyAdds: mirrored!.multiplyAdds });
      expect(task.model.bytes).toBe(mirrored!.bytes + lettersOf(task.labels));
    }
    expect(depths[0]).toBe('trunk/a.linear');
    expect(new Set(depths).size).toBeGreaterThan(1);
  });

  it('goes without mirror images where these are too much', async () => {
    const [{ weights, multiplyAdds, bytes, mirrored } = expect.fail()] = await choicesFor(3);
    const query = `?checkpoint=choosing&maxWeights=${weights}`;
    const { task } = await made(await support(), `${query}&maxMultiplyAdds=${mirrored!.multiplyAdds - 1}`);
    expect(task).toMatchObject({ mirrored: false, architecture: { multiplyAdds } });
    expect(task.model.bytes).toBe(bytes + lettersOf(task.labels));
  });

  it('is refused below the cheapest architecture, to the byte', async () => {
    const [{ bytes } = expect.fail()] = await choicesFor(3);
    const least = bytes + 'catdogemu'.length;
    const refused = await post(`/v1/tasks?checkpoint=choosing&maxBytes=${least - 1}`, await support());
    expect(refused).toMatchObject({
      status: 422,
      body: { code: 'budget-too-small', shortfalls: [{ limit: 'maxBytes', given: least - 1, least }] },
    });
    const { status, task } = await made(await support(), `?checkpoint=choosing&maxBytes=${least}`);
    expect([status, task.model.bytes]).toEqual([201, least]);
  });
});

describe('a file with float32 weights', () => {
  it('says the same to the bit without a Cast, under an ETag of its own', async () => {
    const { task } = await made(await support());
    const half = await load(task.model.url);
    const answer = await fetch(`${service.url}${task.model.url}?weights=float32`);
    const wide = new Uint8Array(await answer.arrayBuffer());
    const operators = (file: Uint8Array) => decodeModel(file).nodes.map(({ operator }) => operator);
    expect(operators(half)).toContain('Cast');
    expect(operators(wide)).not.toContain('Cast');
    const types = new Set(decodeModel(wide).initializers.map(({ data }) => data.constructor.name));
    expect(types).not.toContain('Uint16Array');
    const [expected, given] = [await outputsOf(half), await outputsOf(wide)];
    for (const name of ['logits', 'known', 'probabilities'])
      expect(given[name]!.data, name).toEqual(expected[name]!.data);
    const etag = `"${sha256(wide)}"`;
    expect(answer.headers.get('etag')).toBe(etag);
    expect(etag).not.toBe(`"${task.model.sha256}"`);
    expect(answer.headers.get('content-disposition')).toContain(`m-nas-${task.id}-float32.onnx`);
  });

  it('comes in ranges and by HEAD as the other does; another value is refused', async () => {
    const { task } = await made(await support());
    const url = `${service.url}${task.model.url}?weights=float32`;
    const whole = new Uint8Array(await (await fetch(url)).arrayBuffer());
    const etag = `"${sha256(whole)}"`;
    const part = await fetch(url, { headers: { Range: 'bytes=10-19', 'If-Range': etag } });
    expect(part.status).toBe(206);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(whole.slice(10, 20));
    const other = await fetch(url, { headers: { Range: 'bytes=0-1', 'If-Range': `"${task.model.sha256}"` } });
    expect([other.status, (await other.arrayBuffer()).byteLength]).toEqual([200, whole.length]);
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.headers.get('etag'), head.headers.get('content-length')]).toEqual([
      etag,
      String(whole.length),
    ]);
    for (const weights of ['float16', '', 'FLOAT32']) {
      const refused = await fetch(`${service.url}${task.model.url}?weights=${weights}`);
      expect(refused.status).toBe(400);
      expect(await refused.json()).toMatchObject({ code: 'invalid-query' });
    }
  });
});

describe('a trunk that does not fit', () => {
  const load = async (change: (folder: string) => Promise<void>): Promise<string> => {
    const folder = await temporaryFolder();
    await writeTrunkCheckpoint(folder, 'standing');
    await change(folder);
    const loading = loadCheckpoints({ bundled: folder, added: undefined, defaultId: undefined });
    return loading.then(
      () => 'loaded',
      (error: unknown) => String(error),
    );
  };

  it.each([
    [
      'is missing',
      (folder: string) => rm(join(folder, 'trunks', 'tiny.onnx')),
      /tiny\.onnx: there is no such file$/,
    ],
    [
      'has no card',
      (folder: string) => rm(join(folder, 'trunks', 'tiny.json')),
      /standing\.safetensors: trunk .*tiny\.json: there is no such file$/,
    ],
    [
      'is another one',
      (folder: string) => writeTrunkCheckpoint(folder, 'standing', { sha256: '1'.repeat(64) }),
      /the checkpoint was trained on 1{64}$/,
    ],
    [
      'lacks a tap',
      (folder: string) =>
        writeTrunkCheckpoint(folder, 'standing', {
          taps: [
            { name: 'a', channels: 2, side: 4 },
            { name: 'c', channels: 4, side: 2 },
          ],
        }),
      /it has no tap a of 2 planes that halve to 4 px$/,
    ],
  ])('is one clear line at the start: it %s', async (_, change, expected) => {
    const message = await load(change);
    expect(message).toMatch(expected);
    expect(message).not.toContain('\n');
  });
});

describe('a file of 8-bit integers', () => {
  it('takes the support set for the same classes, with integers for weights and biases', async () => {
    const { task } = await made(await support(), '?checkpoint=choosing');
    const usual = await load(task.model.url);
    const answer = await fetch(`${service.url}${task.model.url}?weights=int8`);
    expect(answer.headers.get('content-disposition')).toContain(`m-nas-${task.id}-int8.onnx`);
    const twin = new Uint8Array(await answer.arrayBuffer());
    expect(answer.headers.get('etag')).toBe(`"${sha256(twin)}"`);
    const { metadata, initializers } = decodeModel(twin);
    expect(metadata).toMatchObject({ weights: 'int8', names: JSON.stringify(task.labels) });
    const types = new Set(initializers.map(({ data }) => data.constructor.name));
    expect([...types]).toEqual(expect.arrayContaining(['Int8Array', 'Int32Array']));
    for (const seed of [0, 1, 10, 20]) {
      const [expected, given] = [await outputsOf(usual, seed), await outputsOf(twin, seed)];
      expect(likeliest(given), `picture ${seed}`).toBe(likeliest(expected));
    }
  });
});
