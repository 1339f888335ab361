import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { decodeModel } from '../../model/graph/onnx/encode.ts';
import { fromFloat16 } from '../../model/trunk/float32.ts';
import { hashKey } from '../../server/access/keys.ts';
import { ownService } from '../server/support/own-service.ts';
import { largestDifference } from '../support/differences.ts';
import { fakeCamera, launch, watchedPage } from './support/browser.ts';
import { ownStage } from './support/own-stage.ts';
import { patience, fill, make, predictions, press, violations } from './support/page.ts';
import { jpeg, png } from './support/pictures.ts';

const stage = ownStage();

async function downloaded(page: Page): Promise<Uint8Array> {
  await page.getByRole('button', { name: 'Export' }).click();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download the ONNX file' }).click(),
  ]);
  await page.getByRole('button', { name: 'Close' }).click();
  return readFileSync(await file.path());
}

/** By name; kernels of a file with a trunk are float16. */
const weightsOf = (model: Uint8Array) =>
  decodeModel(model).initializers.map(
    ({ name, data }) =>
      [name, data instanceof Uint16Array ? fromFloat16(data) : Float32Array.from(data, Number)] as const,
  );

const right = 'of 4 photos that were left out in turn were told right|All 4 photos';
const checked = (page: Page) => page.getByText(new RegExp(right)).waitFor(patience);

describe.skipIf(!stage.found)('the page in a browser', () => {
  test('from dropped and chosen files to predictions of the browser and of the service', async () => {
    const { page, errors, requests } = await stage.page();
    await page.goto(stage.url);
    await expect(page.getByRole('button', { name: 'Make the classifier' }).isDisabled()).resolves.toBe(true);
    await fill(page, stage.url);
    await make(page);
    expect(page.url()).toMatch(/#task=[0-9a-f]{32}$/);
    await checked(page);
    await page.getByText('Which class is taken for which').click();
    // of either class both photos, whatever they are told to be
    const rows = await page.locator('.confusion tbody tr').allTextContents();
    expect(rows.map((row) => row.replace(/\d/g, ''))).toEqual(['blue', 'red']);
    for (const row of rows)
      expect(
        row
          .match(/\d/g)!
          .map(Number)
          .reduce((total, count) => total + count),
      ).toBe(2);
    await page.getByText('“blue” has two photos: add more.').waitFor();
    expect(requests.filter((request) => request.includes('draw-cells'))).toEqual([]);
    await page.getByText('How it was made').click();
    const cells = page.locator('.cells img');
    await cells.nth(1).waitFor(patience);
    expect(await cells.first().getAttribute('alt')).toContain('normal cell: node 0 is');

    const news = [await png('blue', 3), await png('red', 3), await jpeg('blue', 4)];
    await page.getByLabel('Choose images to classify').setInputFiles(news);
    const told = await predictions(page, 3);
    expect(told.map(({ label }) => label)).toEqual(['blue', 'red', 'blue']);
    // the same pixels of a PNG in both places; decoders of JPEG may differ
    for (const { difference } of told.slice(0, 2)) expect(difference).toBeLessThan(1e-5);
    expect(told[2]!.difference).toBeLessThan(0.02);
    expect(await page.getByText('One image takes').textContent()).toContain('WebAssembly');

    expect(errors).toEqual([]);
    for (const request of requests.filter((one) => !one.includes(' blob:')))
      expect(new URL(request.split(' ')[1]!).origin).toBe(new URL(stage.url).origin);
    await page.context().close();
  });

  test('on this device: no image is sent, and the ONNX file is that of the service within 1e-3', async () => {
    const { page, errors, requests } = await stage.page();
    await fill(page, stage.url);
    await make(page);
    const served = await downloaded(page);
    await checked(page);
    requests.length = 0;

    await page.getByText('Options').click();
    await page.getByLabel('On this device').check();
    await press(page);
    await page.getByText('on this device', { exact: true }).waitFor({ ...patience, state: 'attached' });
    const made = await downloaded(page);
    await checked(page);
    expect(requests.filter((request) => !request.startsWith('GET '))).toEqual([]);

    const [weights, expected] = [weightsOf(made), new Map(weightsOf(served))];
    expect(weights.map(([name]) => name)).toEqual([...expected.keys()]);
    for (const [name, values] of weights)
      expect(largestDifference(values, expected.get(name)!), name).toBeLessThan(1e-3);

    await page.getByLabel('Choose images to classify').setInputFiles([await png('red', 3)]);
    const [told] = await predictions(page, 1);
    expect(told!.label).toBe('red');
    expect(told!.bars).toHaveLength(2);

    // a task of the service does not get the images that were tried here
    await page.getByRole('button', { name: 'Open blue, red' }).last().click();
    await page.getByText(/^by the service/).waitFor({ ...patience, state: 'attached' });
    expect(await page.locator('#try .tried').count()).toBe(0);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('the example works with one press of a key, is told right, and its address opens it again', async () => {
    const { page, errors } = await stage.page();
    await page.goto(stage.url);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Try an example');
    await page.keyboard.press('Enter');
    await page.locator('#try .pick').nth(9).waitFor(patience);
    const told = await predictions(page, 10);
    const words = ['glasses', 'keys', 'mug'].flatMap((label) => [label, label, label]);
    expect(told.map(({ label }) => label)).toEqual([...words, 'unknown']);

    // remembered, and opened again by its address in a browser that has never seen it
    await page.getByRole('button', { name: 'Open glasses, keys, mug' }).waitFor(patience);
    const again = await stage.page();
    await again.page.goto(page.url());
    await again.page.getByRole('heading', { name: 'Your classifier' }).waitFor(patience);
    await again.page.getByText('All 15 photos that were left out').waitFor(patience);
    expect([...errors, ...again.errors]).toEqual([]);
    await again.page.context().close();
    await page.context().close();
  });

  test('an image that cannot be used is told at the image before anything is sent', async () => {
    const { page, requests } = await stage.page();
    await fill(page, stage.url);
    const broken = {
      name: 'broken.png',
      mimeType: 'image/png',
      buffer: Buffer.from('\x89PNG\r\n\x1a\nnothing', 'latin1'),
    };
    await page.getByLabel('Choose images of blue').setInputFiles([broken]);
    await page.getByText('broken.png: This image cannot be read; it may be damaged.').waitFor(patience);
    await page.locator('#obstacle').getByText('One image cannot be used; remove it.').waitFor(patience);
    const button = page.locator('#make').getByRole('button', { name: /^Make/ });
    await expect(button.isDisabled()).resolves.toBe(true);
    await page.getByRole('button', { name: 'Remove broken.png' }).click();
    await make(page);
    expect(requests.filter((one) => one.startsWith('POST') && one.includes('/v1/tasks'))).toHaveLength(1);
    await page.context().close();
  });

  test('records with the camera while the button is held, and tells live what it sees', async () => {
    const own = await launch(fakeCamera);
    try {
      const { page, errors } = await watchedPage(own);
      await fill(page, stage.url);
      await page.getByRole('button', { name: 'Camera for red' }).click();
      await page.waitForFunction(
        () => (document.querySelector('video')?.videoWidth ?? 0) > 0,
        null,
        patience,
      );
      const hold = page.getByRole('button', { name: 'Hold to record red' });
      await hold.hover();
      await page.mouse.down();
      await page.getByText(/^([3-9]|\d\d) pictures taken$/).waitFor(patience);
      await page.mouse.up();
      const taken = page.getByRole('button', { name: /^Remove camera-.* from red$/ });
      await taken.nth(2).waitFor(patience);
      const count = await taken.count();
      await page.waitForTimeout(600);
      expect(await taken.count()).toBe(count); // nothing after it was let go
      await page.getByRole('button', { name: 'Close' }).click();
      expect(await page.locator('video').count()).toBe(0);

      await make(page);
      await page.getByRole('button', { name: 'Use the camera' }).click();
      await page.locator('#try .live .bars').waitFor(patience);
      expect(await page.locator('#try .live .headline strong').textContent()).toMatch(/red|blue|unknown/);
      await page.getByRole('button', { name: 'Stop the camera' }).click();
      expect(await page.locator('video').count()).toBe(0);
      expect(errors).toEqual([]);
    } finally {
      await own.close();
    }
  });

  test('asks for the key of a service that wants one, and goes on with it', async () => {
    const hash = Buffer.from(hashKey('secret')).toString('hex');
    const guarded = await ownService({ MNAS_API_KEYS: `visitor:${hash}` });
    try {
      const { page } = await stage.page();
      await fill(page, guarded.url);
      await press(page);
      await page.getByText('This service wants a key.').waitFor(patience);
      await page.getByLabel('API key').fill('sécret');
      await page.keyboard.press('Enter');
      await page.getByText('A key has letters, digits and signs of ASCII only').waitFor(patience);
      expect(await violations(page)).toEqual([]);
      await page.getByLabel('API key').fill('secret');
      await page.keyboard.press('Enter'); // and what was refused is done
      await checked(page);
      await page.getByRole('button', { name: 'Export' }).click();
      await page.getByText('curl', { exact: true }).click();
      expect(await page.locator('pre').last().textContent()).toContain('Bearer $API_KEY');
      await page.context().close();
    } finally {
      await guarded.stop();
    }
  });

  test.each(['light', 'dark'] as const)('is accessible and fits a phone: %s', async (colorScheme) => {
    const { page } = await stage.page({ colorScheme, viewport: { width: 360, height: 740 } });
    await fill(page, stage.url);
    expect(await violations(page)).toEqual([]);
    await page.locator('.next').getByRole('button', { name: 'Make it' }).click();
    await checked(page);
    await page
      .getByLabel('Choose images to classify')
      .setInputFiles([await png('red', 3), await png('red', 4)]);
    await predictions(page, 2);
    for (const summary of ['Options', 'Which class is taken for which', 'How it was made', 'Details'])
      await page.getByText(summary, { exact: true }).click();
    await page.locator('.cells img').nth(1).waitFor(patience);
    const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(wide).toBeLessThanOrEqual(width);
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Export' }).click();
    await page.getByText('Python', { exact: true }).click();
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });

  test('predicts with WebGPU where there is an adapter', async ({ skip }) => {
    const own = await launch([
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      '--enable-features=Vulkan',
    ]);
    try {
      const { page, errors } = await watchedPage(own);
      await page.goto(stage.url);
      const adapter = await page.evaluate(async () =>
        Boolean(
          await (
            navigator as unknown as { gpu?: { requestAdapter(): Promise<unknown> } }
          ).gpu?.requestAdapter(),
        ),
      );
      skip(!adapter, 'this Chromium has no adapter for WebGPU, not even in software');
      await fill(page, stage.url);
      await make(page);
      await page.getByLabel('Choose images to classify').setInputFiles([await png('blue', 3)]);
      const [told] = await predictions(page, 1);
      const latency = page.getByText('One image takes');
      await latency.waitFor(patience);
      expect(await latency.textContent()).toContain('WebGPU');
      expect(told!.difference).toBeLessThan(1e-3);
      expect(errors).toEqual([]);
    } finally {
      await own.close();
    }
  });
});
