import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { ownStage } from './support/own-stage.ts';
import { patience, predictions } from './support/page.ts';
import { png } from './support/pictures.ts';

const stage = ownStage();

/** Bytes that come over the network for a page, headers and all, from now on. */
async function transferred(page: Page): Promise<() => number> {
  const session = await page.context().newCDPSession(page);
  let bytes = 0;
  session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength));
  await session.send('Network.enable');
  return () => bytes;
}

describe.skipIf(!stage.found)('the first minute in a browser', () => {
  test('the page is there and answers after less than 500 KB, none of it the runtime', async () => {
    const { page, errors, requests } = await stage.page();
    const bytes = await transferred(page);
    await page.goto(stage.url, { waitUntil: 'networkidle' });
    await page.getByRole('button', { name: 'Add a class' }).click();
    await page.getByLabel('Name of class 3').waitFor(patience);
    expect(bytes()).toBeGreaterThan(10_000);
    expect(bytes()).toBeLessThan(500_000);
    expect(requests.filter((request) => /wasm|onnxruntime|worker|example/.test(request))).toEqual([]);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('from opening to a working classifier of 3 × 5 photos takes six actions at most', async () => {
    const { page, errors } = await stage.page();
    const photos = (colour: 'red' | 'green' | 'blue') =>
      Promise.all([0, 1, 2, 3, 4].map((i) => png(colour, i)));
    const [red, green, blue] = await Promise.all([photos('red'), photos('green'), photos('blue')]);
    const actions: (() => Promise<unknown>)[] = [
      () => page.goto(stage.url),
      () => page.getByLabel('Choose images of Class 1').setInputFiles(red),
      () => page.getByLabel('Choose images of Class 2').setInputFiles(green),
      () => page.getByRole('button', { name: 'Add a class' }).click(),
      () => page.getByLabel('Choose images of Class 3').setInputFiles(blue),
      () => page.getByRole('button', { name: 'Make the classifier' }).click(),
    ];
    expect(actions.length).toBeLessThanOrEqual(6);
    for (const act of actions) await act();
    await page.getByText(/photos that were left out in turn were told right/).waitFor(patience);
    await page.getByLabel('Choose images to classify').setInputFiles([await png('blue', 5)]);
    expect((await predictions(page, 1))[0]!.label).toBe('Class 3');
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('the same photos in a folder take two: the folder, and the button', async () => {
    const { page } = await stage.page();
    await page.goto(stage.url);
    const folder = await mkdtemp(join(tmpdir(), 'm-nas-things-'));
    for (const colour of ['red', 'green', 'blue'] as const) {
      await mkdir(join(folder, colour));
      for (const i of [0, 1, 2, 3, 4]) {
        const { name, buffer } = await png(colour, i);
        await writeFile(join(folder, colour, name), buffer);
      }
    }
    await page.getByLabel('Add a folder').setInputFiles(folder);
    await page.getByText('15 images in 3 classes').waitFor({ ...patience, state: 'attached' });
    await page.getByRole('button', { name: 'Make the classifier' }).click();
    await page.getByText(/photos that were left out in turn were told right/).waitFor(patience);
    await rm(folder, { recursive: true });
    await page.context().close();
  });
});
