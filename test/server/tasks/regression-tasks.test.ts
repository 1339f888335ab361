import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import request from 'supertest';
import { describe, expect, test } from 'vitest';
import { decodeModel } from '../../../model/graph/onnx/encode.ts';
import { sha256 } from '../../../server/storage/sha256.ts';
import { createFakeAdapter } from '../support/adapter.ts';
import { expectContract } from '../support/contract.ts';
import { harness } from '../support/harness.ts';
import { predictionsOf, regressionOf, support } from '../support/regression.ts';
import { support as images, shades } from '../support/tasks.ts';

const path = '/v1/tasks';

describe('POST /v1/tasks with points', () => {
  test('makes a task once: 201 and Location, then 200 with the same description', async () => {
    const { app, postJson, adapter } = await harness();
    const first = await postJson(path, { support });
    expectContract(first, 'post', path);
    const task = regressionOf(first);
    expect([first.status, first.headers['location']]).toEqual([201, `/v1/tasks/${task.id}`]);
    expect(task).toMatchObject({
      kind: 'regression',
      checkpoint: 'toy',
      steps: 5,
      shots: support.length,
      model: {
        url: `/v1/tasks/${task.id}/model`,
        input: { name: 'x', type: 'float32', shape: ['n', 1] },
        outputs: [{ name: 'y', type: 'float32', shape: ['n', 1] }],
      },
    });
    expect(task.architecture.genotype).toHaveLength(3);
    expect(task.support.after.meanSquaredError).toBeLessThan(task.support.before.meanSquaredError);
    const second = await postJson(path, { support: [...support].reverse() });
    expectContract(second, 'post', path);
    expect([second.status, second.body]).toEqual([200, first.body]);
    const read = await request(app).get(first.headers['location']!);
    expectContract(read, 'get', '/v1/tasks/{id}');
    expect(read.body).toEqual(first.body);
    expect(adapter.calls.length).toBe(1);
  });

  test('property: no order and no way of writing the numbers is another task', async () => {
    const { postJson } = await harness();
    const points = [[0, 1], [0.1, -0.5], [2, 0], [0, -1], ...support];
    const { id } = regressionOf(await postJson(path, { support: points }));
    const texts = (value: number) =>
      fc.constantFrom(
        String(value),
        value.toExponential(),
        String(Math.fround(value)), // the nearest float32 in all its digits
        ...(value === 0 ? ['-0', '0.0', '-0.00e7', '1e-60'] : []),
      );
    const written = fc
      .shuffledSubarray(points, { minLength: points.length })
      .chain((order) => fc.tuple(...order.map(([x, y]) => fc.tuple(texts(x), texts(y)))));
    await fc.assert(
      fc.asyncProperty(written, async (pairs) => {
        const text = `{ "support" : [${pairs.map(([x, y]) => `[${x}, ${y}]`).join()}]}`;
        const answer = await postJson(path, text);
        expect([answer.status, regressionOf(answer).id]).toEqual([200, id]);
      }),
      { numRuns: 30 },
    );
  });

  test('another point, number of copies, steps or checkpoint is another task', async () => {
    const { postJson } = await harness();
    const answers = [
      await postJson(path, { support }),
      await postJson(`${path}?steps=3`, { support }),
      await postJson(`${path}?checkpoint=drawn`, { support }),
      await postJson(path, { support: [...support, support[0]] }),
      await postJson(path, { support: [[0.25, 1], ...support.slice(1)] }),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    expect(new Set(answers.map((answer) => regressionOf(answer).id)).size).toBe(answers.length);
    expect(answers.map((answer) => regressionOf(answer).steps)).toEqual([5, 3, 5, 5, 5]);
    const explicit = await postJson(`${path}?steps=5&checkpoint=toy`, { support });
    expect([explicit.status, regressionOf(explicit).id]).toEqual([200, regressionOf(answers[0]!).id]);
  });

  test('the order of the points is part of the task of a checkpoint that reads them as they come', async () => {
    const { postJson } = await harness();
    const [a, b] = [
      await postJson(`${path}?checkpoint=drawn`, { support }),
      await postJson(`${path}?checkpoint=drawn`, { support: [...support].reverse() }),
    ];
    expect([a.status, b.status]).toEqual([201, 201]);
    expect(regressionOf(a).id).not.toBe(regressionOf(b).id);
  });

  test('one point and a hundred are accepted, and JSON with a charset and a byte order mark', async () => {
    const { app, postJson } = await harness();
    expect((await postJson(path, { support: [[1, 2]] })).status).toBe(201);
    const hundred = Array.from({ length: 100 }, (_, i) => [i / 50 - 1, (i / 50 - 1) ** 2]);
    const answer = await postJson(path, { support: hundred });
    expect([answer.status, regressionOf(answer).shots]).toEqual([201, 100]);
    const marked = await request(app)
      .post(path)
      .set('Content-Type', 'Application/JSON; charset="UTF-8"')
      .send(`\ufeff${JSON.stringify({ support: hundred })}`);
    expect(marked.status).toBe(200);
  });

  test('ten equal posts at once: one adaptation, one 201, ten equal descriptions', async () => {
    const { postJson, adapter } = await harness();
    const answers = await Promise.all(Array.from({ length: 10 }, () => postJson(path, { support })));
    expect(adapter.calls.length).toBe(1);
    expect(answers.filter(({ status }) => status === 201).length).toBe(1);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });
});

describe('a regression task', () => {
  test('survives a restart, is gone after DELETE, and made again with the same id and bytes', async () => {
    const before = await harness();
    const task = regressionOf(await before.postJson(path, { support }));
    await before.close();
    const { app, postJson, adapter } = await harness({ folder: before.folder, adapter: createFakeAdapter() });
    expect((await postJson(path, { support })).status).toBe(200);
    expect(adapter.calls.length).toBe(0);
    const removed = await request(app).delete(`/v1/tasks/${task.id}`);
    expectContract(removed, 'delete', '/v1/tasks/{id}');
    expect((await request(app).get(task.model.url)).status).toBe(404);
    const again = await postJson(path, { support });
    expect([again.status, regressionOf(again).id]).toEqual([201, task.id]);
    expect(regressionOf(again).model.sha256).toBe(task.model.sha256);
  });

  test('predicts in the order of x what its ONNX file gives', async () => {
    const { app, postJson } = await harness();
    const task = regressionOf(await postJson(path, { support }));
    const x = [0.1, -3, 0.1, 1e-3, 2.5, ...support.map(([value]) => value)];
    const answer = await postJson(`/v1/tasks/${task.id}/predictions`, { x });
    expectContract(answer, 'post', '/v1/tasks/{id}/predictions');
    const predictions = predictionsOf(answer);
    expect(predictions.map((prediction) => prediction.x)).toEqual(x);

    const download = await request(app).get(task.model.url).responseType('blob');
    expectContract(download, 'get', '/v1/tasks/{id}/model');
    const file = new Uint8Array(download.body as Buffer);
    expect([file.length, sha256(file)]).toEqual([task.model.bytes, task.model.sha256]);
    expect(JSON.parse(decodeModel(file).metadata!['genotype']!)).toEqual(task.architecture.genotype);
    const session = await InferenceSession.create(file);
    const { y } = await session.run({ x: new Tensor('float32', Float32Array.from(x), [x.length, 1]) });
    await session.release();
    predictions.forEach((prediction, i) =>
      expect(prediction.y).toBeCloseTo((y!.data as Float32Array)[i]!, 5),
    );

    const errors = support.map(([, truth], i) => (predictions[5 + i]!.y - truth) ** 2);
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    expect(mean).toBeCloseTo(task.support.after.meanSquaredError, 5);
  });

  test('predicts for 10,000 x, each as if it was alone', async () => {
    const { postJson } = await harness();
    const { id } = regressionOf(await postJson(path, { support }));
    const x = Array.from({ length: 10_000 }, (_, i) => i / 1000 - 5);
    const many = predictionsOf(await postJson(`/v1/tasks/${id}/predictions`, { x }));
    expect(many.map((prediction) => prediction.x)).toEqual(x);
    const [alone] = predictionsOf(await postJson(`/v1/tasks/${id}/predictions`, { x: [x[7777]] }));
    expect(many[7777]!.y).toBeCloseTo(alone!.y, 5);
  });
});

test('a task of images stored before there were kinds is served as before', async () => {
  const before = await harness();
  const first = await before.post(path, images);
  const { id } = first.body as { id: string };
  const file = join(before.folder, 'tasks', id, 'task.json');
  const { kind, ...old } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  expect(kind).toBe('images');
  await writeFile(file, JSON.stringify(old)); // what version 0.1.0 wrote until then
  await before.close();
  const { app, post, adapter } = await harness({ folder: before.folder });
  const read = await request(app).get(`/v1/tasks/${id}`);
  expectContract(read, 'get', '/v1/tasks/{id}');
  expect(read.body).toEqual(first.body);
  const again = await post(path, images);
  expect([again.status, again.body, adapter.calls.length]).toEqual([200, first.body, 0]);
  const image = { name: 'images', file: '1.png', content: shades.green[2] };
  const answer = await post(`/v1/tasks/${id}/predictions`, [image]);
  expect(answer.body).toMatchObject({ predictions: [{ file: '1.png', label: 'green' }] });
});
