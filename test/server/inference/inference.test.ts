import { connect } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import type { Express } from 'express';
import request from 'supertest';
import { describe, expect, test } from 'vitest';
import type { Schema } from '../../../contract/schema.ts';
import { catalogue } from '../../../server/errors/error-catalogue.ts';
import { imageSide } from '../support/adapter.ts';
import { expectContract, expectSchema } from '../support/contract.ts';
import { harness, listen } from '../support/harness.ts';
import { predictionsOf, regressionOf, support as points } from '../support/regression.ts';
import { problemsOf } from '../support/problem.ts';
import { shades, support, taskOf } from '../support/tasks.ts';

const { noteCode } = problemsOf('inference/inference.test.ts');

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
    expect(server.body).toMatchObject({
      name: 'm-nas',
      extensions: ['binary_tensor_data', 'classification'],
    });
    for (const [path, body] of [
      ['/v2/health/live', { live: true }],
      ['/v2/health/ready', { ready: true }],
    ] as const) {
      const answer = await request(app).get(path);
      expectContract(answer, 'get', path);
      expect([answer.status, answer.body]).toEqual([200, body]);
    }
    const draining = await harness({ replace: { readiness: { workersReady: true, draining: true } } });
    const answer = await request(draining.app).get('/v2/health/ready');
    expectContract(answer, 'get', '/v2/health/ready');
    expect([answer.status, answer.body]).toEqual([503, { error: 'The service is shutting down.' }]);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  test('has every task as a model, named by its id', async () => {
    const { app, images, regression } = await bothKinds();
    const described = await request(app).get(`/v2/models/${images}`);
    expectContract(described, 'get', '/v2/models/{id}');
    expect(described.body).toEqual({
      name: images,
      versions: ['1'],
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 3, imageSide, imageSide] }],
      outputs: [
        { name: 'logits', datatype: 'FP32', shape: [-1, 3] },
        { name: 'known', datatype: 'FP32', shape: [-1, 1] },
        { name: 'probabilities', datatype: 'FP32', shape: [-1, 3] },
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
        model_version: '1',
        id: 'seven',
        outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 1], data: expected.map(({ y }) => y) }],
      });
    }

    // one colour at every pixel, more rows than one run takes
    const pixel = [250, 10, 10].flatMap((value) => Array<number>(imageSide * imageSide).fill(value / 255));
    const data = Array.from({ length: 60 }, () => pixel).flat();
    const tensor = { name: 'image', datatype: 'FP32', shape: [60, 3, imageSide, imageSide], data };
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
    expect(outputs[0]!.data![59]).toBeCloseTo(known!, 4);
    expect(outputs[1]!.data!.slice(-3)).toEqual(
      Object.values(probabilities).map((value) => expect.closeTo(value, 4) as number),
    );
  });

  test.each<[string, unknown, string]>([
    ['no inputs', {}, '/inputs'],
    ['half of a character', { id: 'x\ud800', inputs: [x([1, 2])] }, '/id'],
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
    ['no data', { inputs: [{ ...x([]), data: undefined }] }, '/inputs/0/data'],
    ['another output', { inputs: [x([1, 2])], outputs: [{ name: 'z' }] }, '/outputs/0/name'],
    [
      'no class',
      { inputs: [x([1, 2])], outputs: [{ name: 'y', parameters: { classification: 0 } }] },
      '/outputs/0/parameters/classification',
    ],
    [
      'shared memory of the input',
      { inputs: [{ ...x([]), data: undefined, parameters: { shared_memory_region: 'r' } }] },
      '/inputs/0/parameters/shared_memory_region',
    ],
    [
      'shared memory of an output',
      { inputs: [x([1, 2])], outputs: [{ name: 'y', parameters: { shared_memory_region: 'r' } }] },
      '/outputs/0/parameters/shared_memory_region',
    ],
  ])('refuses %s and says where', async (_, body, at) => {
    const { infer, regression } = await bothKinds();
    const answer = await infer(regression, body);
    expectContract(answer, 'post', '/v2/models/{id}/infer');
    expect(answer.status).toBe(catalogue['invalid-tensor'].status);
    expect((answer.body as Schema<'InferenceError'>).error).toMatch(new RegExp(`^${at}: `));
    noteCode('invalid-tensor');
  });

  test('has the version 1 of every model, and no other', async () => {
    const { app, regression, infer, postJson } = await bothKinds();
    const path = (version: string, rest = '') => `/v2/models/${regression}/versions/${version}${rest}`;
    const inputs = [x([-1, 0.5])];
    const promised = '/v2/models/{id}/versions/{version}';
    const answer = await postJson(path('1', '/infer'), { inputs });
    expectContract(answer, 'post', `${promised}/infer`);
    expect(answer.body).toEqual((await infer(regression, { inputs })).body);
    const described = await request(app).get(path('1'));
    expectContract(described, 'get', promised);
    expect(described.body).toEqual((await request(app).get(`/v2/models/${regression}`)).body);
    const ready = await request(app).get(path('1', '/ready'));
    expectContract(ready, 'get', `${promised}/ready`);
    expect(ready.body).toEqual({ name: regression, ready: true });
    const other = await request(app).get(path('2'));
    expectContract(other, 'get', promised);
    expect([other.status, other.body]).toEqual([404, { error: 'Models have the version 1 only.' }]);
  });

  test('gives classes in place of numbers where they are asked for', async () => {
    const { app, images, infer } = await bothKinds();
    const pixel = [250, 10, 10].flatMap((value) => Array<number>(imageSide * imageSide).fill(value / 255));
    const inputs = [
      {
        name: 'image',
        datatype: 'FP32',
        shape: [2, 3, imageSide, imageSide],
        data: [...pixel, ...pixel.toReversed()],
      },
    ];
    const asked = (classification: number, name = 'probabilities') => ({
      name,
      parameters: { classification },
    });
    const outputs = [{ name: 'probabilities' }, asked(2), asked(9), asked(1, 'known')];
    const answer = await infer(images, { inputs, outputs });
    expectContract(answer, 'post', '/v2/models/{id}/infer');
    const [numbers, two, all, known] = (answer.body as Schema<'InferenceResponse'>).outputs;
    expect([two!.datatype, two!.shape, all!.shape]).toEqual(['BYTES', [2, 2], [2, 3]]);
    const labels = two!.data!.map((text) => String(text).split(':')[2]);
    expect(labels.slice(0, 1)).toEqual(['red']);
    expect(labels.slice(2, 3)).toEqual(['blue']);
    for (const [i, text] of all!.data!.entries()) {
      const [value, column, label] = String(text).split(':');
      expect(Math.fround(Number(value))).toBe(numbers!.data![3 * Math.floor(i / 3) + Number(column)]);
      expect(label).toBe(['blue', 'green', 'red'][Number(column)]);
    }
    expect(String(known!.data![0])).toMatch(/^[\d.e-]+:0$/);

    // as binary data: every text after its length
    const json = { inputs, outputs: [{ ...asked(1), parameters: { classification: 1, binary_data: true } }] };
    const binary = await request(app).post(`/v2/models/${images}/infer`).responseType('blob').send(json);
    const body = binary.body as Buffer;
    const start = Number(binary.headers['inference-header-content-length']);
    const length = body.readUInt32LE(start);
    expect(body.subarray(start + 4, start + 4 + length).toString()).toBe(two!.data![0]);
  });

  test('names the limit of JSON where JSON is over it', async () => {
    const { app, images } = await bothKinds();
    const long = JSON.stringify({ inputs: [], padding: ' '.repeat(5 * 2 ** 20) });
    const answer = await request(app).post(`/v2/models/${images}/infer`).type('json').send(long);
    expect([answer.status, answer.body]).toEqual([
      413,
      { error: `The JSON has ${long.length} bytes, 4194304 are allowed; binary data take less.` },
    ]);
  });

  test('says that there is no shared memory', async () => {
    const { app } = await harness();
    const answer = await request(app).post('/v2/systemsharedmemory/region/r/register').send({});
    expect([answer.status, answer.body]).toEqual([
      404,
      { error: 'Shared memory is not offered: data are JSON, or binary after it.' },
    ]);
  });

  test('refuses as JSON what is not finite', async () => {
    const { infer, regression } = await bothKinds();
    const answer = await infer(regression, { inputs: [x([0, 3e38])] });
    expectContract(answer, 'post', '/v2/models/{id}/infer');
    expect([answer.status, answer.body]).toEqual([
      422,
      { error: 'The output y is not finite for this input.' },
    ]);
  });

  describe('binary data', () => {
    const le = (...numbers: number[]) => {
      const bytes = Buffer.alloc(4 * numbers.length);
      numbers.forEach((number, i) => bytes.writeFloatLE(number, 4 * i));
      return bytes;
    };
    const send = (app: Express, id: string, json: unknown, binary: Buffer, header?: string) => {
      const text = Buffer.from(JSON.stringify(json));
      return request(app)
        .post(`/v2/models/${id}/infer`)
        .set('Content-Type', 'application/octet-stream')
        .set('Inference-Header-Content-Length', header ?? String(text.length))
        .responseType('blob')
        .send(Buffer.concat([text, binary]));
    };
    const input = (size: number, extra = {}) => ({
      inputs: [
        { name: 'x', datatype: 'FP32', shape: [2, 1], parameters: { binary_data_size: size }, ...extra },
      ],
    });

    test('go in and come out after the JSON, as the same numbers', async () => {
      const { app, regression, infer } = await bothKinds();
      const plain = await infer(regression, { inputs: [x([-1, 0.5])] });
      const expected = (plain.body as Schema<'InferenceResponse'>).outputs[0]!.data!.map(Number);
      for (const asked of [
        { outputs: [{ name: 'y', parameters: { binary_data: true } }] },
        { parameters: { binary_data_output: true } },
      ]) {
        const answer = await send(app, regression, { ...input(8), ...asked }, le(-1, 0.5));
        expectContract(answer, 'post', '/v2/models/{id}/infer');
        expect(answer.headers['content-type']).toBe('application/octet-stream');
        const body = answer.body as Buffer;
        const length = Number(answer.headers['inference-header-content-length']);
        const json = JSON.parse(body.subarray(0, length).toString()) as Schema<'InferenceResponse'>;
        expectSchema('InferenceResponse', json);
        expect(json.outputs).toEqual([
          { name: 'y', datatype: 'FP32', shape: [2, 1], parameters: { binary_data_size: 8 } },
        ]);
        expect(body.subarray(length)).toEqual(le(...expected));
      }
      const asJson = await send(app, regression, input(8), le(-1, 0.5));
      const parsed = JSON.parse((asJson.body as Buffer).toString()) as Schema<'InferenceResponse'>;
      expect(parsed.outputs[0]!.data).toEqual(expected);
    });

    test('are the same in a content encoding, and bounded by their size without it', async () => {
      const { app, regression, infer } = await bothKinds();
      const expected = (await infer(regression, { inputs: [x([-1, 0.5])] })).body as unknown;
      const json = Buffer.from(JSON.stringify(input(8)));
      const post = (encoding: string, body: Buffer, headers: Record<string, string> = {}) =>
        request(app)
          .post(`/v2/models/${regression}/infer`)
          .set({ 'Content-Type': 'application/json', 'Content-Encoding': encoding, ...headers })
          .serialize((value: unknown) => value as string)
          .send(body);
      const mixed = {
        'Content-Type': 'application/octet-stream',
        'Inference-Header-Content-Length': String(json.length),
      };
      for (const [encoding, pack] of [
        ['gzip', gzipSync],
        ['deflate', deflateSync],
      ] as const) {
        const answer = await post(encoding, pack(Buffer.concat([json, le(-1, 0.5)])), mixed);
        expectContract(answer, 'post', '/v2/models/{id}/infer');
        expect([answer.status, answer.body]).toEqual([200, expected]);
        const asJson = await post(encoding, pack(JSON.stringify({ inputs: [x([-1, 0.5])] })));
        expect([asJson.status, asJson.body]).toEqual([200, expected]);
        const bomb = await post(encoding, pack(Buffer.alloc(20_000_000)), mixed);
        expect([bomb.status, Object.keys(bomb.body as object)]).toEqual([413, ['error']]);
        const cut = await post(encoding, pack(json).subarray(0, -6), mixed);
        expect([cut.status, Object.keys(cut.body as object)]).toEqual([400, ['error']]);
      }
      const unknown = await post('br', json);
      expectContract(unknown, 'post', '/v2/models/{id}/infer');
      expect([unknown.status, unknown.headers['accept-encoding']]).toEqual([415, 'gzip, deflate']);
    });

    test('need no media type, as clients of Triton send none', async () => {
      const { app, regression } = await bothKinds();
      const { port } = await listen(app);
      const text = JSON.stringify({ inputs: [x([1, 2])] });
      const socket = connect(port, '127.0.0.1');
      socket.write(
        `POST /v2/models/${regression}/infer HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
      );
      let answer = '';
      for await (const chunk of socket) answer += String(chunk);
      expect(answer).toMatch(/^HTTP\/1.1 200 /);
    });

    test.each<[string, object, Buffer, string | undefined, RegExp]>([
      ['a size that the shape has not', input(4), le(1), undefined, /binary_data_size: must be 8/],
      ['fewer bytes than it says', input(8), le(1), undefined, /binary_data_size: is 8, but 4 bytes/],
      ['data in both ways', input(8, { data: [1, 2] }), le(1, 2), undefined, /data: must not be there/],
      ['bytes of no input', { inputs: [x([1, 2])] }, le(1), undefined, /4 bytes after its JSON/],
      ['a number that is not finite', input(8), le(1, Number.NaN), undefined, /the number 1 of the data/],
      ['a length beyond the body', input(8), le(1, 2), '99999', /must be a whole number up to/],
      ['a length that is no number', input(8), le(1, 2), 'x', /must be a whole number up to/],
    ])('are refused for %s', async (_, json, binary, header, message) => {
      const { app, regression } = await bothKinds();
      const answer = await send(app, regression, json, binary, header);
      expect(answer.status).toBe(400);
      const { error } = JSON.parse((answer.body as Buffer).toString()) as Schema<'InferenceError'>;
      expect(error).toMatch(message);
    });
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
