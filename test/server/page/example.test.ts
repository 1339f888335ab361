import { afterAll, beforeAll, expect, test } from 'vitest';
import { MnasClient } from '../../../client/index.ts';
import { drawExample } from '../../../server/page/example.ts';
import { ownService } from '../support/own-service.ts';
import type { OwnService } from '../support/own-service.ts';

/** The example's images as the page gets them. */
async function images() {
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
});
afterAll(() => service.stop());

test('every image that the example is tried with is told right by the bundled checkpoint, the foreign one too', async () => {
  const client = new MnasClient({ baseUrl: service.url });
  const all = await images();
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
});
