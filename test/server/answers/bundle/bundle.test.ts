import { unzipSync, strFromU8 } from 'fflate';
import request from 'supertest';
import { describe, expect, test } from 'vitest';
import { bundleOf } from '../../../../server/answers/bundle/bundle.ts';
import { sha256 } from '../../../../server/storage/sha256.ts';
import { expectContract } from '../../support/contract.ts';
import { harness } from '../../support/harness.ts';
import { regressionOf, support as points } from '../../support/regression.ts';
import { storedTask } from '../../support/stored-task.ts';
import { support, taskOf } from '../../support/tasks.ts';

async function unpacked(answer: request.Response) {
  const files = unzipSync(new Uint8Array(answer.body as Buffer));
  return Promise.resolve(files);
}

describe('GET /v1/tasks/{id}/bundle', () => {
  test('is a model repository of one model, whose manifest has the hash of every other file', async () => {
    const { app, post } = await harness();
    const { id, model } = taskOf(await post('/v1/tasks', support));
    const answer = await request(app).get(`/v1/tasks/${id}/bundle`).responseType('blob');
    expectContract(answer, 'get', '/v1/tasks/{id}/bundle');
    expect(answer.headers).toMatchObject({
      'content-type': 'application/zip',
      'content-disposition': `attachment; filename="m-nas-${id}.zip"`,
      'cache-control': 'private, no-cache',
    });
    const files = await unpacked(answer);
    const names = ['1/model.onnx', 'README.md', 'config.pbtxt', 'labels.txt', 'manifest.json'];
    expect(Object.keys(files)).toEqual(names.map((name) => `${id}/${name}`));
    const text = (name: string) => strFromU8(files[`${id}/${name}`]!);
    const manifest = JSON.parse(text('manifest.json')) as {
      task: object;
      files: { path: string; bytes: number; sha256: string }[];
    };
    expect(manifest.files.map(({ path }) => path)).toEqual(names.slice(0, -1));
    for (const { path, bytes, sha256: hash } of manifest.files) {
      const content = files[`${id}/${path}`]!;
      expect([content.length, sha256(content)]).toEqual([bytes, hash]);
    }
    expect(manifest.files[0]).toMatchObject({ bytes: model.bytes, sha256: model.sha256 });
    expect(manifest.task).toMatchObject({ id, labels: ['blue', 'green', 'red'] });
    expect(text('labels.txt')).toBe('blue\ngreen\nred\n');
    expect(text('config.pbtxt')).toContain(`name: "${id}"
backend: "onnxruntime"
max_batch_size: 25
input [ { name: "image" data_type: TYPE_FP32 dims: [ 3, 8, 8 ] } ]
output [
  { name: "logits" data_type: TYPE_FP32 dims: [ 3 ] },
  { name: "known" data_type: TYPE_FP32 dims: [ 1 ] },
  { name: "probabilities" data_type: TYPE_FP32 dims: [ 3 ] label_filename: "labels.txt" }
]`);
  });

  test('has the same bytes whenever a task is made', async () => {
    const { app, post } = await harness();
    const { id } = taskOf(await post('/v1/tasks', support));
    const get = () => request(app).get(`/v1/tasks/${id}/bundle`).responseType('blob');
    const first = await get();
    await request(app).delete(`/v1/tasks/${id}`);
    await post('/v1/tasks', support);
    expect((await get()).body).toEqual(first.body);
    const cached = await get().set('If-None-Match', first.headers['etag']!);
    expectContract(cached, 'get', '/v1/tasks/{id}/bundle');
    expect(cached.status).toBe(304);
  });

  test('of regression has no labels', async () => {
    const { app, postJson } = await harness();
    const { id } = regressionOf(await postJson('/v1/tasks', { support: points }));
    const files = await unpacked(await request(app).get(`/v1/tasks/${id}/bundle`).responseType('blob'));
    expect(Object.keys(files)).not.toContain(`${id}/labels.txt`);
    expect(strFromU8(files[`${id}/config.pbtxt`]!)).toContain(
      'input [ { name: "x" data_type: TYPE_FP32 dims: [ 1 ] } ]',
    );
  });

  test('writes labels into its Python as literals, whatever they are', () => {
    const task = storedTask(1);
    const labels = ['say "hi" \\', '~~~~~~~~~', '猫 😀'];
    const classes = labels.map((label) => ({ label, shots: 1 }));
    const files = unzipSync(bundleOf({ ...task, record: { ...task.record, classes } }));
    const readme = strFromU8(files[`${task.record.id}/README.md`]!);
    expect(readme).toContain('LABELS = ["say \\"hi\\" \\\\","~~~~~~~~~","\\U0000732b \\U0001f600"]');
    expect(strFromU8(files[`${task.record.id}/labels.txt`]!)).toBe(`${labels.join('\n')}\n`);
  });
});
