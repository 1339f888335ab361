import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { MnasError } from '../../client/index.ts';
import type { Adapted, AdaptRequest, Progress } from '../../web/device/messages.ts';
import type * as Module from '../../web/task.ts';
import { createFakeAdapter, imagesCheckpoint } from '../server/support/adapter.ts';
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
  const made = await page.makeOnServer({ classes }, (status) => told.push(status), signal);
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

test('a task starts from the checkpoint that was chosen, and images that were told wrong are named', async () => {
  const twice = [
    { label: 'red', files: [0, 1].map((i) => new File([Uint8Array.from(shades.red[i]!)], `red-${i}.png`)) },
    // labels that are numbers are posted first, whatever their order here
    {
      label: '7',
      files: [shades.green[0], shades.green[1], shades.red[2]].map(
        (shade, i) => new File([Uint8Array.from(shade)], `green-${i}.png`),
      ),
    },
  ];
  const made = await page.makeOnServer({ classes: twice, checkpoint: 'photos' }, () => undefined, signal);
  expect(made).toMatchObject({ checkpoint: 'photos', threshold: 0.3, mirrored: false });
  const quality = await page.qualityOf(made, twice, signal);
  expect(quality!.doubtful).toEqual([{ file: twice[1]!.files[2], label: '7', given: 'red' }]);
  await expect(
    page.makeOnServer({ classes: twice, checkpoint: 'none' }, () => undefined, signal),
  ).rejects.toThrow('Unknown checkpoint');
});

test('what the service refuses is an error in its words, and a task of points is none of the page', async () => {
  const refusal = await page
    .makeOnServer({ classes: classes.slice(0, 1) }, () => undefined, signal)
    .catch((error: unknown) => error);
  expect((refusal as MnasError).name).toBe('MnasError');
  const points = await running.postJson('/v1/tasks', {
    support: [
      [0, 0],
      [1, 1],
    ],
  });
  const { id } = points.body as { id: string };
  await expect(page.openOnServer(id, signal)).rejects.toThrow('This is a regression task');
});

describe('on this device', () => {
  const trunk = { name: 'tiny', licence: 'CC0-1.0', side: 20, sha256: '1'.repeat(64), bytes: 9 };
  const standing = {
    ...imagesCheckpoint('standing', true),
    trunk: { ...trunk, card: '/tiny.json', multiplyAdds: 1 },
  };
  const evaluation = { images: 2, accuracy: 0.5 } as Adapted['evaluation'];
  const asked: [string, AdaptRequest][] = [];

  /** The page of a service whose default checkpoint stands on a trunk, with a worker that tells and answers this. */
  beforeEach(async () => {
    const { app } = await harness({ adapter: createFakeAdapter([standing]) });
    const { port } = await listen(app);
    vi.stubGlobal('location', { origin: `http://127.0.0.1:${port}` });
    asked.length = 0;
    vi.resetModules();
    vi.doMock('../../web/device/client.ts', () => ({
      ask: (name: string, request: AdaptRequest, options?: { onProgress(progress: Progress): void }) => {
        asked.push([name, request]);
        if (!options) return Promise.resolve();
        options.onProgress({ stage: 'trunk', done: 3, total: 4 });
        options.onProgress({ stage: 'images', done: 1, total: 3 });
        return Promise.resolve({
          labels: ['blue', 'green', 'red'],
          embedding: [1],
          size: 20,
          mirrored: true,
          openSet: { threshold: 0.31 },
          evaluation,
          mistakes: [{ place: 1, label: 'green', given: 'red' }],
        });
      },
    }));
    page = await import('../../web/task.ts');
  });
  afterEach(() => {
    vi.doUnmock('../../web/device/client.ts');
    vi.resetModules();
  });

  test('the worker is told of the trunk, and what it says is shown in words', async () => {
    const told: Module.Status[] = [];
    const made = await page.makeOnDevice({ classes }, (status) => told.push(status), signal);
    const [[name, request] = []] = asked;
    expect(name).toBe('adapt');
    expect(request).toMatchObject({
      checkpoint: { url: '/v1/checkpoints/standing/file', bytes: expect.any(Number) as number },
      trunk: {
        name: 'tiny',
        licence: 'CC0-1.0',
        bytes: 9,
        url: `/v1/trunks/${trunk.sha256}`,
        sha256: trunk.sha256,
      },
      steps: 5,
    });
    expect(told.map(({ text }) => text.replace(/\s/g, ' '))).toEqual([
      'Loading the pretrained network: 75 %',
      'Reading the photos: 1 of 3',
    ]);
    const [loading, reading] = told.map(({ done }) => done!);
    expect(loading).toBeGreaterThan(0);
    expect(reading).toBeGreaterThan(loading!);
    expect(made).toMatchObject({
      place: 'device',
      checkpoint: 'standing',
      size: 20,
      threshold: 0.31,
      mirrored: true,
    });
  });

  test('what every task needs is loaded before one is made', async () => {
    await page.prepareDevice();
    await page.makeOnDevice({ classes }, () => undefined, signal);
    const [[name, sources], [, request]] = asked as [(typeof asked)[0], (typeof asked)[0]];
    expect(name).toBe('prepare');
    expect(request).toMatchObject(sources);
    expect(Object.keys(sources)).toEqual(['checkpoint', 'trunk', 'headers']);
  });

  test('an accuracy that the adaptation has told is not estimated once more', async () => {
    const made = await page.makeOnDevice({ classes }, () => undefined, signal);
    const quality = await page.qualityOf(made, classes, signal);
    expect(quality!.evaluation).toBe(evaluation);
    expect(quality!.doubtful).toEqual([{ file: classes[1]!.files[0], label: 'green', given: 'red' }]);
    expect(asked).toHaveLength(1);
  });
});
