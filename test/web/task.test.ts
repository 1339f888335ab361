import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { MnasError } from '../../client/index.ts';
import type * as Module from '../../web/task.ts';
import { harness, listen } from '../server/support/harness.ts';
import { shades } from '../server/support/tasks.ts';

const { signal } = new AbortController();
const classes = Object.entries(shades).map(([label, [shade]]) => ({
  label,
  files: [new File([Uint8Array.from(shade)], 'x.png')],
}));

let page: typeof Module;
let running: Awaited<ReturnType<typeof harness>>;

/** The page of a service. */
beforeEach(async () => {
  running = await harness();
  const { port } = await listen(running.app);
  vi.stubGlobal('ASSETS', {});
  vi.stubGlobal('sessionStorage', { getItem: () => null });
  vi.stubGlobal('location', { origin: `http://127.0.0.1:${port}` });
  page = await import('../../web/task.ts');
});
afterEach(() => void vi.unstubAllGlobals());

test('a task is made by the service, told step by step, and opened again as the same', async () => {
  const told: Module.Status[] = [];
  const made = await page.makeOnServer(classes, (status) => told.push(status), signal);
  expect(made).toMatchObject({
    place: 'server',
    labels: ['blue', 'green', 'red'],
    steps: 5,
    embedding: [0.5, -0.5],
  });
  const texts = told.map(({ text }) => text);
  expect(texts.slice(0, 3)).toEqual([
    'Sending 3 images',
    'Waiting for a worker',
    'Choosing the architecture',
  ]);
  expect(texts.at(-1)).toMatch(/^Step 5 of 5: loss 0\.17, 100\s?% of the images right$/);
  expect(told.at(-1)?.done).toBe(1);
  expect(await page.openOnServer(made.id, signal)).toEqual(made);
});

test('what the service refuses is an error in its words, and a task of points is none of the page', async () => {
  const refusal = await page
    .makeOnServer(classes.slice(1), () => undefined, signal)
    .catch((error: unknown) => error);
  expect((refusal as MnasError).name).toBe('MnasError');
  const { body } = await running.postJson('/v1/tasks', {
    support: [
      [0, 0],
      [1, 1],
    ],
  });
  const { id } = body as { id: string };
  await expect(page.openOnServer(id, signal)).rejects.toThrow('This is a regression task');
});
