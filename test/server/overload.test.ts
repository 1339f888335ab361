import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import sharp from 'sharp';
import { expect, test, vi } from 'vitest';
import type { Schema } from '../../contract/schema.ts';
import { encodeCheckpoint } from '../../model/checkpoint/checkpoint.ts';
import { parseConfiguration } from '../../server/configuration.ts';
import { startService } from '../../server/service.ts';
import { studyImages } from '../support/tiny-images.ts';
import { temporaryFolder } from './support/harness.ts';
import { smallDefault } from './support/small-default.ts';

/** A form of 20 classes with three images each, other ones for every number. */
async function heavyTask(number: number): Promise<FormData> {
  const form = new FormData();
  for (let i = 0; i < 60; i++) {
    const background = { r: 4 * i, g: 40 * number, b: 255 - 4 * i };
    const image = sharp({ create: { width: 16, height: 16, channels: 3, background } });
    form.append(`class ${i % 20}`, new Blob([Uint8Array.from(await image.png().toBuffer())]), 'x.png');
  }
  return form;
}

test(
  'others predict while one client has every worker adapt, and what it gives up stops',
  { timeout: 240_000, tags: ['whole'] },
  async () => {
    const folder = await temporaryFolder();
    const settings = await smallDefault();
    await writeFile(join(settings.MNAS_CHECKPOINTS, 'study.safetensors'), encodeCheckpoint(studyImages()));
    const configuration = parseConfiguration({
      PORT: '0',
      MNAS_DATA_DIR: folder,
      MNAS_WORKERS: '1',
      ...settings,
    });
    const service = await startService(configuration, pino({ level: 'silent' }));
    const at = (path: string, init?: RequestInit) => fetch(service.url + path, init);
    const json = (path: string, body: unknown) =>
      at(path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
    const metric = async (name: string) =>
      Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await (await at('/metrics')).text())?.[1]);
    const line = (await (await json('/v1/tasks', { support: [[0, 1]] })).json()) as Schema<'Task'>;
    // without a trunk an adaptation is one job: a job of this task runs whenever the worker is busy
    const adapting = '/v1/tasks?checkpoint=study&steps=50';
    const begun: Schema<'TaskProgress'>[] = [];
    for (let number = 0; number < 3; number++) {
      const headers = { Prefer: 'respond-async' };
      const body = await heavyTask(number);
      const answer = await at(adapting, { method: 'POST', headers, body });
      expect(answer.status).toBe(202);
      begun.push((await answer.json()) as Schema<'TaskProgress'>);
    }
    const progress = async () =>
      (await (await at(`/v1/tasks/${begun[0]!.id}/progress`)).json()) as Schema<'TaskProgress'>;
    await vi.waitFor(async () => expect((await progress()).state).toBe('adapting'), 60_000);
    for (let x = 0; x < 20; x++)
      expect((await json(`/v1/tasks/${line.id}/predictions`, { x: [x] })).status).toBe(200);
    expect(await metric('mnas_queue_jobs')).toBeGreaterThan(0); // of the adaptations, which go on all the time
    for (const { id } of begun) expect((await at(`/v1/tasks/${id}`, { method: 'DELETE' })).status).toBe(204);
    const stopped = (jobs: number) =>
      vi.waitFor(async () => expect(await metric('mnas_jobs_stopped_total')).toBe(jobs), 5000);
    await stopped(1);
    await vi.waitFor(async () => expect(await metric('mnas_queue_jobs')).toBe(0), 60_000);
    // the same again for a client that waits, and hangs up
    const gone = new AbortController();
    const { signal } = gone;
    const waiting = at(adapting, { method: 'POST', body: await heavyTask(0), signal });
    const refused = expect(waiting).rejects.toThrow('aborted');
    await vi.waitFor(async () => expect((await progress()).state).toBe('adapting'), 60_000);
    gone.abort();
    await refused;
    await stopped(2);
    await service.stop();
  },
);
