import { pino } from 'pino';
import request from 'supertest';
import { expect, onTestFinished, test, vi } from 'vitest';
import { decodeImage } from '../../../images/decode.ts';
import type { ImageDecoder } from '../../../server/ports.ts';
import { cached } from '../../../server/storage/cached.ts';
import type { CacheableStorage } from '../../../server/storage/cached.ts';
import { openDiskStorage } from '../../../server/storage/disk.ts';
import { closedGate } from '../support/gate.ts';
import { harness, temporaryFolder } from '../support/harness.ts';
import { shades, support, taskOf } from '../support/tasks.ts';

const silent = pino({ level: 'silent' });

test('a prediction that waits for its place holds no model', async () => {
  const gate = closedGate();
  let isHeld = false;
  const decode: ImageDecoder = async (bytes, size) => {
    if (isHeld) await gate.pass();
    return decodeImage(bytes, size);
  };
  const storage = await openDiskStorage(await temporaryFolder(), silent);
  onTestFinished(() => storage.close());
  const readRecord = vi.spyOn(storage, 'readRecord');
  const { app, post } = await harness({
    replace: { decodeImage: decode, storage },
    limits: { uploads: 1 },
  });
  const { id } = taskOf(await post('/v1/tasks', support));
  const predict = () =>
    post(`/v1/tasks/${id}/predictions`, [{ name: 'images', file: 'a.png', content: shades.red[2] }]);
  isHeld = true;
  const first = predict().then(({ status }) => status);
  await gate.reached;
  const reads = readRecord.mock.calls.length;
  const second = predict().then(({ status }) => status);
  await vi.waitFor(() => expect(readRecord.mock.calls.length).toBeGreaterThan(reads)); // it is known, and waits
  await request(app).delete(`/v1/tasks/${id}`).expect(204);
  gate.open();
  expect(await Promise.all([first, second])).toEqual([200, 404]);
});

test.each([
  ['in memory', 2 ** 20, ['keeps']],
  ['not kept in memory', 0, ['readRecord', 'readModel']],
])('a prediction of a task that is %s asks the storage once for each thing', async (_, bytes, asked) => {
  const disk = await openDiskStorage(await temporaryFolder(), silent);
  onTestFinished(() => disk.close());
  const calls: string[] = [];
  const told =
    <A extends readonly unknown[], R>(name: string, work: (...given: A) => R) =>
    (...given: A): R => {
      calls.push(name);
      return work(...given);
    };
  const counted: CacheableStorage = {
    read: told('read', (id) => disk.read(id)),
    readRecord: told('readRecord', (id) => disk.readRecord(id)),
    readModel: told('readModel', (record) => disk.readModel(record)),
    keeps: told('keeps', (task) => disk.keeps(task)),
    write: (task) => disk.write(task),
    remove: (id) => disk.remove(id),
    state: () => disk.state(),
    close: () => disk.close(),
  };
  const { post } = await harness({ replace: { storage: cached(counted, { bytes, days: 0 }, silent) } });
  const { id } = taskOf(await post('/v1/tasks', support));
  const predict = () =>
    post(`/v1/tasks/${id}/predictions`, [{ name: 'images', file: 'a.png', content: shades.red[2] }]);
  expect((await predict()).status).toBe(200); // which reads it into memory
  calls.length = 0;
  expect((await predict()).status).toBe(200);
  expect(calls).toEqual(asked);
});
