import { pino } from 'pino';
import { afterEach, expect, test, vi } from 'vitest';
import { openDiskStorage } from '../../server/storage/disk.ts';
import { createTask, type ProgressEvent } from '../../web/api.ts';
import { harness, listen, temporaryFolder } from '../server/support/harness.ts';
import { shades } from '../server/support/tasks.ts';

afterEach(() => void vi.unstubAllGlobals());

const classes = Object.entries(shades).map(([label, [shade]]) => ({
  label,
  files: [new File([Uint8Array.from(shade)], 'x.png')],
}));

test('a task is made with its events, and waited for where another replica answers that does not know it', async () => {
  const storage = await openDiskStorage(await temporaryFolder(), pino({ level: 'silent' }));
  const one = await harness({ replace: { storage } });
  const other = await harness({ replace: { storage } });
  const [making, answering] = [await listen(one.app), await listen(other.app)];
  const send = fetch;
  const asked: string[] = [];
  let answers = making;
  vi.stubGlobal('sessionStorage', { getItem: () => null });
  vi.stubGlobal('fetch', (path: string, init: RequestInit) => {
    asked.push(`${init.method ?? 'GET'} ${path}`);
    const { port } = asked.length === 1 ? making : answers;
    return send(`http://127.0.0.1:${port}${path}`, init);
  });
  const events: ProgressEvent[] = [];
  const make = () => createTask(classes, (event) => events.push(event), new AbortController().signal);
  const { id } = await make();
  expect(events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['accepted', 'started', 'fit']));
  await storage.remove(id);
  events.length = asked.length = 0;
  answers = answering;
  let free = () => {};
  one.adapter.beforeAdapt = () => new Promise((resolve) => (free = resolve));
  expect((await make()).id).toBe(id);
  expect(asked).toEqual(['POST /v1/tasks', `GET /v1/tasks/${id}/progress`, 'POST /v1/tasks']);
  expect(events).toEqual([]);
  free();
});
