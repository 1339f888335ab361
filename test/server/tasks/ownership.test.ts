import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import request from 'supertest';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { fixedKeys, hashKey, parseKeys } from '../../../server/access/keys.ts';
import type { Claims } from '../../../server/storage/claims.ts';
import { Ownership } from '../../../server/tasks/ownership.ts';
import { openDiskStorage } from '../../../server/storage/disk.ts';
import type { TaskStorage } from '../../../server/storage/storage.ts';
import { closedGate } from '../support/gate.ts';
import { harness, temporaryFolder } from '../support/harness.ts';
import { support, taskOf } from '../support/tasks.ts';

const hex = (key: string) => Buffer.from(hashKey(key)).toString('hex');
const keys = fixedKeys(
  parseKeys(`ann:${hex('a')},bob:${hex('b')},bob:${hex('b-read')}:read,root:${hex('r')}:admin`),
);
const as = (key: string) => ({ 'X-API-Key': key });

describe('a task', () => {
  test('belongs to every owner that has posted it, and goes for each alone', async () => {
    const { app, post, adapter } = await harness({ access: { keys } });
    const { id } = taskOf(await post('/v1/tasks', support).set(as('a')));
    const seen = async (key: string, path = '') =>
      (await request(app).get(`/v1/tasks/${id}${path}`).set(as(key))).status;
    const removed = async (key: string) => (await request(app).delete(`/v1/tasks/${id}`).set(as(key))).status;
    expect([await seen('a'), await seen('b'), await seen('r')]).toEqual([200, 404, 200]);
    for (const path of ['/model', '/progress', '/embedding', '/architecture.json', '/bundle'])
      expect([path, await seen('a', path), await seen('b', path)]).toEqual([path, 200, 404]);
    expect(await removed('b')).toBe(404);
    const again = await post('/v1/tasks', support).set(as('b'));
    expect([again.status, taskOf(again).id]).toEqual([200, id]);
    expect(adapter.calls).toHaveLength(1);
    expect([await seen('b'), await seen('b-read')]).toEqual([200, 200]); // both keys are of one owner
    expect(await removed('a')).toBe(204);
    expect([await seen('a'), await seen('b'), await seen('r')]).toEqual([404, 200, 200]);
    expect(await removed('a')).toBe(404);
    expect(await removed('b')).toBe(204);
    expect([await seen('a'), await seen('b'), await seen('r')]).toEqual([404, 404, 404]);
  });

  test('is the owner’s while it is made without waiting, and of nobody else', async () => {
    const { app, post } = await harness({ access: { keys } });
    const begun = await post('/v1/tasks', support).set({ ...as('a'), Prefer: 'respond-async' });
    const { id } = begun.body as { id: string };
    const progress = async (key: string) =>
      (await request(app).get(`/v1/tasks/${id}/progress`).set(as(key))).status;
    expect([begun.status, await progress('a'), await progress('b')]).toEqual([202, 200, 404]);
    await vi.waitFor(async () =>
      expect((await request(app).get(`/v1/tasks/${id}`).set(as('a'))).status).toBe(200),
    );
  });

  test('that was made without keys is everyone’s, until an owner posts it', async () => {
    const open = await harness();
    const { id } = taskOf(await open.post('/v1/tasks', support));
    await open.close();
    const { app, post } = await harness({ folder: open.folder, access: { keys } });
    const seen = async (key: string) => (await request(app).get(`/v1/tasks/${id}`).set(as(key))).status;
    expect([await seen('a'), await seen('b')]).toEqual([200, 200]);
    expect((await post('/v1/tasks', support).set(as('a'))).status).toBe(200);
    expect([await seen('a'), await seen('b')]).toEqual([200, 404]);
  });

  test('is nobody’s when its claims are lost, as a store may evict them, until it is posted again', async () => {
    const { app, post, folder } = await harness({ access: { keys } });
    const { id } = taskOf(await post('/v1/tasks', support).set(as('a')));
    await rm(join(folder, 'claims'), { recursive: true });
    const seen = async (key: string) => (await request(app).get(`/v1/tasks/${id}`).set(as(key))).status;
    expect([await seen('a'), await seen('b'), await seen('r')]).toEqual([404, 404, 200]);
    expect((await request(app).delete(`/v1/tasks/${id}`).set(as('b'))).status).toBe(404);
    expect((await post('/v1/tasks', support).set(as('a'))).status).toBe(200);
    expect([await seen('a'), await seen('b')]).toEqual([200, 404]);
  });

  test('is not read to find out whose it is where a claim says so', async () => {
    const disk = await openDiskStorage(await temporaryFolder(), pino({ level: 'silent' }));
    onTestFinished(() => disk.close());
    const read = vi.fn<typeof disk.read>((id, signal) => disk.read(id, signal));
    const readRecord = vi.fn<typeof disk.readRecord>((id, signal) => disk.readRecord(id, signal));
    const storage: TaskStorage = {
      read,
      readRecord,
      readModel: (record) => disk.readModel(record),
      write: (task) => disk.write(task),
      remove: (id) => disk.remove(id),
      state: () => disk.state(),
      claims: disk.claims!,
      close: () => disk.close(),
    };
    const { app, post, adapter } = await harness({ access: { keys }, replace: { storage } });
    const gate = closedGate();
    adapter.beforeAdapt = gate.pass;
    const begun = await post('/v1/tasks', support).set({ ...as('a'), Prefer: 'respond-async' });
    const { id } = begun.body as { id: string };
    for (const reading of [read, readRecord]) reading.mockClear();
    await request(app).get(`/v1/tasks/${id}/progress`).set(as('a')).expect(200);
    expect(read).not.toHaveBeenCalled(); // it is being made
    expect(readRecord).not.toHaveBeenCalled();
    gate.open();
    await vi.waitFor(async () => expect(await disk.read(id)).toBeDefined());
    await request(app).delete(`/v1/tasks/${id}`).set(as('a')).expect(204);
    expect(read).not.toHaveBeenCalled();
    expect(readRecord).not.toHaveBeenCalled();
  });

  test('goes for all when an admin removes it', async () => {
    const { app, post } = await harness({ access: { keys } });
    const { id } = taskOf(await post('/v1/tasks', support).set(as('a')));
    expect((await request(app).delete(`/v1/tasks/${id}`).set(as('r'))).status).toBe(204);
    expect((await request(app).get(`/v1/tasks/${id}`).set(as('a'))).status).toBe(404);
  });
});

test('while the storage is silent, a claim that was seen counts', async () => {
  let silent = false;
  const bare = () => Promise.resolve({}); // a task that was made without keys
  const claims: Claims = {
    add: () => Promise.resolve(),
    has: (_id, owner) => (silent ? Promise.reject(new Error('down')) : Promise.resolve(owner === 'ann')),
    remove: () => Promise.resolve(true),
  };
  const ownership = new Ownership(claims, () => ['ann', 'bob']);
  const [ann, bob] = ['ann', 'bob'].map((name) => ({ name, every: false }));
  expect(await ownership.mayUse('x', ann!, bare)).toBe(true);
  expect(await ownership.mayUse('x', bob!, bare)).toBe(false);
  silent = true;
  expect(await ownership.mayUse('x', ann!, bare)).toBe(true);
  await expect(ownership.mayUse('x', bob!, bare)).rejects.toThrow('down');
  await expect(ownership.mayUse('y', ann!, bare)).rejects.toThrow('down');
});
