import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MnasClient } from '../../client/index.ts';
import { decodeImage } from '../../images/decode.ts';
import { toFloat } from '../../model/task/pixels.ts';
import { decodeModel } from '../../model/graph/onnx/encode.ts';
import type { Schema } from '../../contract/schema.ts';
import { drawExample } from '../../server/page/example.ts';
import { ownService } from './support/own-service.ts';
import type { OwnService } from './support/own-service.ts';

interface Description {
  readonly kind: string;
  readonly id: string;
  readonly labels: readonly string[];
  readonly model: {
    readonly url: string;
    readonly bytes: number;
    readonly input: { readonly shape: readonly (number | string)[] };
  };
  readonly support: { readonly after: { readonly accuracy: number } };
}

interface Answer {
  readonly predictions: readonly {
    readonly label: string | null;
    readonly known: number;
    readonly probabilities: Readonly<Record<string, number>>;
  }[];
}

const colours = { red: '#c22', green: '#2a3', blue: '#23b', grey: '#888', yellow: '#dc2' };

/** A disc of one colour on a light ground; position and size vary with the number. */
async function disc(colour: string, i: number): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><rect width="90" height="90" fill="#eee"/>
    <circle cx="${35 + 4 * i}" cy="${50 - 3 * i}" r="${20 + 2 * i}" fill="${colour}"/></svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

/** Nothing like a disc. */
async function grid(): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="90" height="90"><rect width="90" height="90" fill="#222"/>
    <path d="M0 0L90 90M90 0L0 90M45 0V90M0 45H90" stroke="#fd0" stroke-width="6"/></svg>`;
  return sharp(Buffer.from(svg)).png().toBuffer();
}

/** The example's images as the page gets them. */
async function exampleImages() {
  const { index, assets } = await drawExample();
  const listed = JSON.parse(Buffer.from(await assets.get(index)!.load()).toString()) as {
    readonly name: string;
    readonly label?: string;
    readonly set: string;
    readonly url: string;
  }[];
  return Promise.all(
    listed.map(async ({ url, ...image }) => {
      const bytes = await assets.get(url)!.load();
      return { ...image, file: new File([new Uint8Array(bytes)], image.name, { type: 'image/jpeg' }) };
    }),
  );
}

let service: OwnService;
beforeAll(async () => {
  service = await ownService();
}, 120_000);
afterAll(() => service.stop(), 120_000);

describe('the service with the bundled checkpoints', () => {
  it('lists each as the default of its kind', async () => {
    const listed = (await (await fetch(`${service.url}/v1/checkpoints`)).json()) as Schema<'Checkpoints'>;
    const defaults = listed.checkpoints.filter((checkpoint) => checkpoint.default);
    expect(defaults).toMatchObject([
      { kind: 'images', id: 'photos-lite0' },
      { kind: 'regression', id: 'toy-m-nas-plus' },
    ]);
  });

  it.each([
    { checkpoint: 'photos-lite0', bytes: 6_500_000 },
    { checkpoint: 'photos-small', bytes: 150_000 },
  ])(
    'makes a task of $checkpoint from 5-way 5-shot images; its file and its predictions agree',
    async ({ checkpoint, bytes }) => {
      const form = new FormData();
      for (const [label, colour] of Object.entries(colours)) {
        for (let i = 0; i < 5; i++)
          form.append(label, new Blob([Uint8Array.from(await disc(colour, i))]), `${i}.png`);
      }
      const posted = await fetch(`${service.url}/v1/tasks?checkpoint=${checkpoint}`, {
        method: 'POST',
        body: form,
      });
      expect(posted.status).toBe(201);
      const task = (await posted.json()) as Description;
      expect(task.kind).toBe('images');
      expect(task.labels).toEqual(Object.keys(colours).sort());
      expect(task.support.after.accuracy).toBeGreaterThan(0.9);

      const file = new Uint8Array(await (await fetch(service.url + task.model.url)).arrayBuffer());
      expect(file.length).toBe(task.model.bytes);
      expect(file.length).toBeLessThan(bytes);
      expect(JSON.parse(decodeModel(file).metadata!['names']!)).toEqual(task.labels);

      // two steps beyond the places and sizes of the support set
      const queries = await Promise.all(Object.values(colours).map((colour) => disc(colour, 6)));
      const images = new FormData();
      queries.forEach((query, i) => images.append('images', new Blob([Uint8Array.from(query)]), `${i}.png`));
      const response = await fetch(`${service.url}/v1/tasks/${task.id}/predictions`, {
        method: 'POST',
        body: images,
      });
      const { predictions } = (await response.json()) as Answer;
      expect(predictions.map(({ label }) => label)).toEqual(Object.keys(colours));

      const size = task.model.input.shape[2] as number;
      const session = await ort.InferenceSession.create(file);
      for (const [i, query] of queries.entries()) {
        const pixels = toFloat(await decodeImage(query, size));
        const { probabilities } = await session.run({
          image: new ort.Tensor('float32', pixels, [1, 3, size, size]),
        });
        task.labels.forEach((label, c) => {
          expect(
            Math.abs(predictions[i]!.probabilities[label]! - (probabilities!.data[c] as number)),
          ).toBeLessThan(1e-4);
        });
      }
      await session.release();

      const known = predictions.map((prediction) => prediction.known);
      const strange = new FormData();
      strange.append('images', new Blob([Uint8Array.from(await grid())]), 'grid.png');
      const asked = `${service.url}/v1/tasks/${task.id}/predictions?threshold=0.5`;
      const refused = (await (await fetch(asked, { method: 'POST', body: strange })).json()) as Answer;
      expect(refused.predictions[0]).toMatchObject({ label: null, unknown: true });
      expect(Math.min(...known)).toBeGreaterThan(refused.predictions[0]!.known);

      const picture = await fetch(`${service.url}/v1/tasks/${task.id}/architecture.svg`);
      expect(await picture.text()).toContain('>reduction cell</text>');
      const data = toFloat(await decodeImage(queries[0]!, size));
      const inferred = await fetch(`${service.url}/v2/models/${task.id}/infer`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({
          inputs: [{ name: 'image', datatype: 'FP32', shape: [1, 3, size, size], data: Array.from(data) }],
          outputs: [{ name: 'known' }],
        }),
      });
      const { outputs } = (await inferred.json()) as Schema<'InferenceResponse'>;
      expect(Math.abs(Number(outputs[0]!.data![0]) - known[0]!)).toBeLessThan(1e-4);

      // as many images as are promised, as binary data
      const values = Buffer.alloc(100 * 3 * size * size * 4);
      const many = { name: 'image', datatype: 'FP32', shape: [100, 3, size, size] };
      const json = JSON.stringify({
        inputs: [{ ...many, parameters: { binary_data_size: values.length } }],
        outputs: [{ name: 'known' }],
      });
      const answered = await fetch(`${service.url}/v2/models/${task.id}/infer`, {
        method: 'POST',
        headers: { 'Inference-Header-Content-Length': String(json.length) },
        body: Buffer.concat([Buffer.from(json), values]),
      });
      expect(await answered.json()).toMatchObject({ outputs: [{ shape: [100, 1] }] });
    },
    120_000,
  );

  it.each([
    { checkpoint: 'photos-lite0', folds: 1 },
    { checkpoint: 'photos-small', folds: 1 },
  ])(
    'estimates by $checkpoint the accuracy of a support set, leaving out images',
    async ({ checkpoint, folds }) => {
      const form = new FormData();
      for (const label of ['red', 'blue'] as const)
        for (let i = 0; i < 3; i++)
          form.append(label, new Blob([Uint8Array.from(await disc(colours[label], i))]), `${i}.png`);
      const answer = await fetch(`${service.url}/v1/estimates?checkpoint=${checkpoint}`, {
        method: 'POST',
        body: form,
      });
      expect(await answer.json()).toMatchObject({ folds, evaluation: { images: 6, accuracy: 1 } });
    },
    120_000,
  );

  it('makes a regression task from ten points of a function of the toy study, and predicts it', async () => {
    const post = async (path: string, body: unknown): Promise<unknown> => {
      const headers = { 'Content-Type': 'application/json' };
      const answer = await fetch(service.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
      return answer.json();
    };
    const line = (x: number): number => 2 * x - 1;
    const wave = (x: number): number => 3 * Math.sin(x) + 2;
    for (const value of [line, wave]) {
      const support = Array.from({ length: 10 }, (_, i) => -1.8 + 0.4 * i).map((x) => [x, value(x)]);
      const task = (await post('/v1/tasks', { support })) as Schema<'RegressionTask'>;
      expect(task).toMatchObject({ kind: 'regression', checkpoint: 'toy-m-nas-plus', shots: 10 });
      const x = [-1.3, 0.1, 1.5];
      const { predictions } = (await post(`/v1/tasks/${task.id}/predictions`, {
        x,
      })) as Schema<'RegressionPredictions'>;
      for (const { x: at, y } of predictions) expect(Math.abs(y - value(at))).toBeLessThan(0.4);
    }
  }, 120_000);

  it(
    'tells every image that the page’s example is tried with, the foreign one too',
    { tags: ['whole'] },
    async () => {
      const client = new MnasClient({ baseUrl: service.url });
      const all = await exampleImages();
      const support: Record<string, File[]> = {};
      for (const { set, label, file } of all) if (set === 'support') (support[label!] ??= []).push(file);
      const task = await client.createTask(support);
      expect(task.checkpoint).toBe('photos-lite0');
      expect(task.estimate!.evaluation.accuracy).toBe(1);
      const queries = all.filter(({ set }) => set === 'query');
      const files = queries.map(({ file }) => file);
      const told = await client.predict(task.id, files, { threshold: task.openSet!.threshold! });
      const words = told.map(({ label, unknown }) => (unknown ? 'unknown' : label));
      expect(words).toEqual(queries.map(({ label }) => label ?? 'unknown'));
    },
  );
});
