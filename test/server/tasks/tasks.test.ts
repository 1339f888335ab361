import fc from 'fast-check';
import { pino } from 'pino';
import request from 'supertest';
import { describe, expect, test, vi } from 'vitest';
import { SharedRuns } from '../../../server/concurrency/shared-runs.ts';
import { openDiskStorage } from '../../../server/storage/disk.ts';
import { sha256 } from '../../../server/storage/sha256.ts';
import { expectContract } from '../support/contract.ts';
import { createFakeAdapter, holdAdaptation } from '../support/adapter.ts';
import { harness, temporaryFolder } from '../support/harness.ts';
import type { Harness } from '../support/harness.ts';
import { png } from '../support/multipart.ts';
import type { RawPart } from '../support/multipart.ts';
import { shades, support, taskOf } from '../support/tasks.ts';

const { red, blue } = shades;

const model = (app: Harness['app'], id: string) =>
  request(app).get(`/v1/tasks/${id}/model`).responseType('blob');

describe('POST /v1/tasks', () => {
  test('makes a task once: 201 and Location, then 200 with the same description and bytes', async () => {
    const { app, post, adapter } = await harness();
    const first = await post('/v1/tasks', support);
    expectContract(first, 'post', '/v1/tasks');
    expect(first.status).toBe(201);
    const task = taskOf(first);
    expect(first.headers['location']).toBe(`/v1/tasks/${task.id}`);
    expect(task).toMatchObject({
      checkpoint: 'photos',
      steps: 5,
      labels: ['blue', 'green', 'red'],
      shots: { blue: 1, green: 1, red: 2 },
      model: { url: `/v1/tasks/${task.id}/model` },
    });
    const second = await post('/v1/tasks', [...support].reverse());
    expectContract(second, 'post', '/v1/tasks');
    expect([second.status, second.body]).toEqual([200, first.body]);
    const read = await request(app).get(first.headers['location']!);
    expectContract(read, 'get', '/v1/tasks/{id}');
    expect(read.body).toEqual(first.body);
    expect(adapter.calls.length).toBe(1);
  });

  test('property: no order of the parts and no file name changes the id', async () => {
    const { post } = await harness();
    const id = taskOf(await post('/v1/tasks', support)).id;
    const shuffled = fc.shuffledSubarray([...support], { minLength: support.length });
    await fc.assert(
      fc.asyncProperty(shuffled, fc.stringMatching(/^[a-z]{1,8}\.png$/), async (parts, file) => {
        const answer = await post(
          '/v1/tasks',
          parts.map((part) => ({ ...part, file })),
        );
        expect([answer.status, taskOf(answer).id]).toEqual([200, id]);
      }),
      { numRuns: 15 },
    );
  });

  test('another label, image, number of copies, steps or checkpoint is another task', async () => {
    const { post } = await harness();
    const changed: readonly RawPart[][] = [
      support.map((part) => (part.name === 'blue' ? { ...part, name: 'bleu' } : part)),
      support.map((part) => (part.name === 'blue' ? { ...part, content: blue[1] } : part)),
      [...support, support[0]!],
    ];
    const answers = [
      await post('/v1/tasks', support),
      await post('/v1/tasks?steps=3', support),
      await post('/v1/tasks?checkpoint=other', support),
      ...(await Promise.all(changed.map((parts) => post('/v1/tasks', parts)))),
    ];
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
    expect(new Set(answers.map((answer) => taskOf(answer).id)).size).toBe(answers.length);
    const explicit = await post('/v1/tasks?steps=5&checkpoint=photos', support);
    expect([explicit.status, taskOf(explicit).id]).toEqual([200, taskOf(answers[0]!).id]);
  });

  test('twenty equal posts of one address get equal answers with four places in memory for it', async () => {
    const { adapter, post } = await harness({ limits: { uploads: 8 } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('/v1/tasks', support)));
    expect(answers.map(({ status }) => status).sort()).toEqual([
      ...Array.from({ length: 19 }, () => 200),
      201,
    ]);
    expect(new Set(answers.map((answer) => taskOf(answer).id)).size).toBe(1);
    expect(adapter.calls).toHaveLength(1);
  });

  test('twenty equal posts at once: one adaptation, one 201, twenty equal descriptions', async () => {
    const { post, adapter } = await harness();
    const answers = await Promise.all(Array.from({ length: 20 }, () => post('/v1/tasks', support)));
    expect(adapter.calls.length).toBe(1);
    expect(answers.filter(({ status }) => status === 201).length).toBe(1);
    expect(answers.filter(({ status }) => status === 200).length).toBe(19);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  });

  test('a failed adaptation leaves nothing, and the next post tries again', async () => {
    const { post, adapter } = await harness();
    adapter.beforeAdapt = () => Promise.reject(new Error('secret cause'));
    const failed = await post('/v1/tasks', support);
    expectContract(failed, 'post', '/v1/tasks');
    expect(failed.status).toBe(500);
    expect(failed.text).not.toContain('secret');
    adapter.beforeAdapt = () => Promise.resolve();
    expect((await post('/v1/tasks', support)).status).toBe(201);
  });

  test('labels are any Unicode, taken as they are and normalised to NFC', async () => {
    const { app, post } = await harness();
    const labels = [
      'a[b]',
      'a[b][0]',
      '__proto__',
      'constructor',
      '猫',
      '🐕‍🦺',
      'say "hi"',
      '42',
      '\ufb03',
      '😀',
    ];
    const parts = await Promise.all(
      labels.map(async (name, index) => ({ name, file: 'x.png', content: await png(20 * index, 9, 9) })),
    );
    const composed = { name: '\u00e9t\u00e9', file: 'x.png', content: red[0] };
    const decomposed = { name: 'e\u0301te\u0301', file: 'x.png', content: red[1] };
    const created = await post('/v1/tasks', [...parts, composed, decomposed]);
    expectContract(created, 'post', '/v1/tasks');
    const task = taskOf(created);
    const byCodePoint = [...labels, '\u00e9t\u00e9'].sort((a, b) =>
      Buffer.compare(Buffer.from(a), Buffer.from(b)),
    );
    expect(task.labels).toEqual(byCodePoint);
    expect(Object.keys(task.shots).sort()).toEqual([...byCodePoint].sort());
    expect(Object.getOwnPropertyDescriptor(task.shots, '__proto__')?.value).toBe(1);
    expect(task.shots['\u00e9t\u00e9']).toBe(2);
    const image = { name: 'images', file: 'x.png', content: parts[2]!.content };
    const predicted = await request(app).get(`/v1/tasks/${task.id}`);
    expect(predicted.text).toBe(created.text);
    const answer = await post(`/v1/tasks/${task.id}/predictions`, [image]);
    expect((answer.body as { predictions: { label: string }[] }).predictions[0]!.label).toBe('__proto__');
  });

  test('20 labels with 50 images each are accepted', async () => {
    const { post } = await harness();
    const parts = Array.from({ length: 1000 }, (_, index) => ({
      name: `class ${index % 20}`,
      file: 'x.png',
      content: red[0],
    }));
    const answer = await post('/v1/tasks', parts);
    expect(answer.status).toBe(201);
    expect(Object.values(taskOf(answer).shots)).toEqual(Array.from({ length: 20 }, () => 50));
  });
});

describe('a task', () => {
  test('survives a restart, with the same bytes', async () => {
    const before = await harness();
    const task = taskOf(await before.post('/v1/tasks', support));
    const bytes = (await model(before.app, task.id)).body as Buffer;
    await before.close();
    const after = await harness({ folder: before.folder, adapter: createFakeAdapter() });
    expect((await model(after.app, task.id)).body).toEqual(bytes);
    expect((await after.post('/v1/tasks', support)).status).toBe(200);
    expect(after.adapter.calls.length).toBe(0);
  });

  test('is gone after DELETE, and made again with the same id and bytes', async () => {
    const { app, post } = await harness();
    const task = taskOf(await post('/v1/tasks', support));
    const removed = await request(app).delete(`/v1/tasks/${task.id}`);
    expectContract(removed, 'delete', '/v1/tasks/{id}');
    expect(removed.status).toBe(204);
    for (const path of ['', '/model']) {
      const missing = await request(app).get(`/v1/tasks/${task.id}${path}`);
      expectContract(missing, 'get', `/v1/tasks/{id}${path}`);
      expect(missing.status).toBe(404);
    }
    expect((await request(app).delete(`/v1/tasks/${task.id}`)).status).toBe(404);
    const again = await post('/v1/tasks', support);
    expect([again.status, taskOf(again).model.sha256]).toEqual([201, task.model.sha256]);
  });

  test('DELETE during the adaptation removes the task that it makes', async () => {
    const storage = await openDiskStorage(await temporaryFolder(), pino({ level: 'silent' }));
    const { app, post, adapter } = await harness({ replace: { storage } });
    const id = taskOf(await post('/v1/tasks', support)).id;
    await request(app).delete(`/v1/tasks/${id}`);
    const [write, remove] = [vi.spyOn(storage, 'write'), vi.spyOn(storage, 'remove')];
    const waiting = vi.spyOn(SharedRuns.prototype, 'settled');
    const { started, release } = holdAdaptation(adapter);
    const posting = post('/v1/tasks', support).then((answer) => answer.status);
    await started;
    const removing = request(app)
      .delete(`/v1/tasks/${id}`)
      .then((answer) => answer.status);
    await vi.waitFor(() => expect(waiting).toHaveBeenCalledWith(id), { timeout: 10_000 });
    release();
    expect(await Promise.all([posting, removing])).toEqual([201, 204]);
    const [written] = write.mock.invocationCallOrder;
    expect(remove.mock.invocationCallOrder).toEqual([expect.any(Number)]);
    expect(remove.mock.invocationCallOrder[0]).toBeGreaterThan(written!);
    expect((await request(app).get(`/v1/tasks/${id}`)).status).toBe(404);
  });

  test('has a model file with a strong ETag that answers If-None-Match', async () => {
    const { app, post } = await harness();
    const task = taskOf(await post('/v1/tasks', support));
    const full = await model(app, task.id);
    expectContract(full, 'get', '/v1/tasks/{id}/model');
    const bytes = full.body as Buffer;
    expect([bytes.length, sha256(bytes)]).toEqual([task.model.bytes, task.model.sha256]);
    expect(full.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(task.model.bytes),
      etag: `"${task.model.sha256}"`,
      'content-disposition': `attachment; filename="m-nas-${task.id}.onnx"`,
      'cache-control': 'private, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    });
    const cached = await model(app, task.id).set('If-None-Match', full.headers['etag']!);
    expectContract(cached, 'get', '/v1/tasks/{id}/model');
    expect([cached.status, cached.headers['etag']]).toEqual([304, full.headers['etag']]);
    expect((await model(app, task.id).set('If-None-Match', '"other"')).status).toBe(200);
    const head = await request(app).head(`/v1/tasks/${task.id}/model`);
    expect([head.status, head.headers['etag']]).toEqual([200, full.headers['etag']]);
  });
});
