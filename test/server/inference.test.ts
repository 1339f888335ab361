import request from 'supertest';
import { describe, expect, test } from 'vitest';
import type { Schema } from '../../server/contract.ts';
import { catalogue } from '../../server/errors.ts';
import { SIZE } from './support/adapter.ts';
import { expectContract } from './support/contract.ts';
import { harness } from './support/harness.ts';
import { predictionsOf, regressionOf, support as points } from './support/regression.ts';
import { problemsOf } from './support/problem.ts';
import { shades, support, taskOf } from './support/tasks.ts';

const { noteCode } = problemsOf('inference.test.ts');

async function bothKinds() {
  const running = await harness();
  const images = taskOf(await running.post('/v1/tasks', support)).id;
  const regression = regressionOf(await running.postJson('/v1/tasks', { support: points })).id;
  const infer = (id: string, body: unknown) => running.postJson(`/v2/models/${id}/infer`, body);
  return { ...running, images, regression, infer };
}

const x = (data: unknown, shape: readonly number[] = [2, 1]) => ({
  name: 'x',
  datatype: 'FP32',
  shape,
  data,
});

describe('the Open Inference Protocol', () => {
  test('tells of the server and of its health', async () => {
    const { app } = await harness();
    const server = await request(app).get('/v2');
    expectContract(server, 'get', '/v2');
    expect(server.body).toMatchObject({ name: 'm-nas', extensions: [] });
    for (const [path, body] of [
      ['/v2/health/live', { live: true }],
      ['/v2/health/ready', { ready: true }],
    ] as const) {
      const answer = await request(app).get(path);
      expectContract(answer, 'get', path);
      expect([answer.status, answer.body]).toEqual([200, body]);
    }
    const draining = await harness({ replace: { readiness: { workersAnswered: true, draining: true } } });
    const answer = await request(draining.app).get('/v2/health/ready');
    expectContract(answer, 'get', '/v2/health/ready');
    expect([answer.status, answer.body]).toEqual([503, { error: 'The service is shutting down.' }]);
    expect(answer.headers['retry-after']).toBe('2');
  });

  test('has every task as a model, named by its id', async () => {
    const { app, images, regression } = await bothKinds();
    const described = await request(app).get(`/v2/models/${images}`);
    expectContract(described, 'get', '/v2/models/{id}');
    expect(described.body).toEqual({
      name: images,
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 3, SIZE, SIZE] }],
      outputs: [
        { name: 'logits', datatype: 'FP32', shape: [-1, 3] },
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 3] },
        { name: 'known', datatype: 'FP32', shape: [-1, 1] },
      ],
    });
    const ready = await request(app).get(`/v2/models/${regression}/ready`);
    expectContract(ready, 'get', '/v2/models/{id}/ready');
    expect(ready.body).toEqual({ name: regression, ready: true });
  });

  test('gives what predictions give, for flat and for nested data', async () => {
    const { regression, images, infer, post, postJson } = await bothKinds();
    const expected = predictionsOf(await postJson(`/v1/tasks/${regression}/predictions`, { x: [-1, 0.5] }));
    for (const data of [
      [-1, 0.5],
      [[-1], [0.5]],
    ]) {
      const answer = await infer(regression, { id: 'seven', inputs: [x(data)], parameters: {} });
      expectContract(answer, 'post', '/v2/models/{id}/infer');
      expect(answer.body).toEqual({
        model_name: regression,
        id: 'seven',
        outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 1], data: expected.map(({ y }) => y) }],
      });
    }

    // one colour at every pixel, more rows than one run takes
    const pixel = [250, 10, 10].flatMap((value) => Array<number>(SIZE * SIZE).fill(value / 255));
    const data = Array.from({ length: 60 }, () => pixel).flat();
    const tensor = { name: 'image', datatype: 'FP32', shape: [60, 3, SIZE, SIZE], data };
    const answer = await infer(images, {
      inputs: [tensor],
      outputs: [{ name: 'known' }, { name: 'probabilities' }],
    });
    expectContract(answer, 'post', '/v2/models/{id}/infer');
    const { outputs } = answer.body as Schema<'InferenceResponse'>;
    expect(outputs.map(({ name, shape }) => [name, shape])).toEqual([
      ['known', [60, 1]],
      ['probabilities', [60, 3]],
    ]);
    const image = { name: 'images', file: 'x.png', content: shades.red[0] };
    const predicted = await post(`/v1/tasks/${images}/predictions`, [image]);
    const [{ known, probabilities }] = (predicted.body as Schema<'ImagesPredictions'>).predictions as [
      Schema<'ImagePrediction'>,
    ];
    expect(outputs[0]!.data[59]).toBeCloseTo(known!, 4);
    expect(outputs[1]!.data.slice(-3)).toEqual(
      Object.values(probabilities).map((value) => expect.closeTo(value, 4) as number),
    );
  });

  test.each<[string, unknown, string]>([
    ['no inputs', {}, '/inputs'],
    ['two inputs', { inputs: [x([1, 2]), x([1, 2])] }, '/inputs'],
    ['another name', { inputs: [{ ...x([1, 2]), name: 'image' }] }, '/inputs/0/name'],
    ['another type', { inputs: [{ ...x([1, 2]), datatype: 'INT64' }] }, '/inputs/0/datatype'],
    ['another rank', { inputs: [x([1, 2], [2])] }, '/inputs/0/shape'],
    ['another width', { inputs: [x([1, 2], [1, 2])] }, '/inputs/0/shape'],
    ['no row', { inputs: [x([], [0, 1])] }, '/inputs/0/shape/0'],
    ['too many rows', { inputs: [x([], [10_001, 1])] }, '/inputs/0/shape/0'],
    ['too few numbers', { inputs: [x([1])] }, '/inputs/0/data'],
    ['text among them', { inputs: [x([1, '2'])] }, '/inputs/0/data/1'],
    ['a number beyond float32', { inputs: [x([1, 1e39])] }, '/inputs/0/data/1'],
    ['rows of another width', { inputs: [x([[1], [2, 3]])] }, '/inputs/0/data/1'],
    ['binary data', { inputs: [{ ...x([]), data: undefined }] }, '/inputs/0/data'],
    ['another output', { inputs: [x([1, 2])], outputs: [{ name: 'z' }] }, '/outputs/0/name'],
  ])('refuses %s and says where', async (_, body, at) => {
    const { infer, regression } = await bothKinds();
    const answer = await infer(regression, body);
    expectContract(answer, 'post', '/v2/models/{id}/infer');
    expect(answer.status).toBe(catalogue['invalid-tensor'].status);
    expect((answer.body as Schema<'InferenceError'>).error).toMatch(new RegExp(`^${at}: `));
    noteCode('invalid-tensor');
  });

  test('has its own form of every error', async () => {
    const { app, infer, regression } = await bothKinds();
    const unknown = '0'.repeat(32);
    const answers = [
      [await request(app).get(`/v2/models/${unknown}`), 404],
      [await request(app).get(`/v2/models/${unknown}/ready`), 404],
      [await infer(unknown, {}), 404],
      [await infer(regression, '{'), 400],
      [await request(app).delete(`/v2/models/${regression}`), 405],
      [await request(app).get('/v2/nothing'), 404],
    ] as const;
    for (const [answer, status] of answers) {
      expect(answer.status).toBe(status);
      expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
      expect(Object.keys(answer.body as object)).toEqual(['error']);
    }
    const elsewhere = await request(app).get('/v20');
    expect(elsewhere.headers['content-type']).toMatch(/^application\/problem\+json/);
  });
});
