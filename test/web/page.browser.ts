import { readFileSync } from 'node:fs';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeModel } from '../../model/graph/onnx/encode.ts';
import { fromFloat16 } from '../../model/trunk/float32.ts';
import { hashKey } from '../../server/access/keys.ts';
import { largestDifference } from '../support/differences.ts';
import { chromiumPath, launch, missingBrowser, watchedPage } from './support/browser.ts';
import { patience, differenceIn, fill, make, pageService, predictions, violations } from './support/page.ts';
import { jpeg, png } from './support/pictures.ts';

const found = chromiumPath() !== undefined;
if (!found) console.warn(missingBrowser);

let service: Awaited<ReturnType<typeof pageService>>;
let browser: Browser;
beforeAll(async () => {
  if (!found) return;
  service = await pageService();
  browser = await launch();
});
afterAll(async () => {
  if (!found) return;
  await browser.close();
  await service.stop();
});

async function downloaded(page: Page): Promise<Uint8Array> {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download the ONNX file' }).click(),
  ]);
  return readFileSync(await file.path());
}

/** By name; kernels of a file with a trunk are float16. */
const weightsOf = (model: Uint8Array) =>
  decodeModel(model).initializers.map(
    ({ name, data }) =>
      [name, data instanceof Uint16Array ? fromFloat16(data) : Float32Array.from(data, Number)] as const,
  );

describe.skipIf(!found)('the page in a browser', () => {
  test('from dropped and chosen files to predictions of the browser and of the service', async () => {
    const { page, errors, requests } = await watchedPage(browser);
    await page.goto(service.url);
    await expect(page.getByRole('button', { name: 'Make the classifier' }).isDisabled()).resolves.toBe(true);
    await fill(page, service.url);
    await make(page);
    expect(page.url()).toMatch(/#task=[0-9a-f]{32}$/);
    await page.getByText('of 4 images that were left out were told right').waitFor(patience);
    expect(await page.locator('.confusion tbody tr').allTextContents()).toEqual(['blue20', 'red02']);
    const cells = page.locator('.cells img');
    await cells.nth(1).waitFor(patience);
    expect(await cells.first().getAttribute('alt')).toContain('normal cell: node 0 is');

    const news = [await png('blue', 3), await png('red', 3), await jpeg('blue', 4)];
    await page.getByLabel('Choose images to classify').setInputFiles(news);
    const told = await predictions(page, 3);
    expect(told.map(({ label }) => label)).toEqual(['blue', 'red', 'blue']);
    // the same pixels of a PNG in both places; decoders of JPEG may differ
    for (const { text } of told.slice(0, 2)) expect(differenceIn(text)).toBeLessThan(1e-5);
    expect(differenceIn(told[2]!.text)).toBeLessThan(0.02);
    expect(await page.getByText('One image takes').textContent()).toContain('WebAssembly');

    expect(errors).toEqual([]);
    for (const request of requests)
      expect(new URL(request.split(' ')[1]!).origin).toBe(new URL(service.url).origin);
    await page.context().close();
  });

  test('on this device: no image is sent, and the ONNX file is that of the service within 1e-3', async () => {
    const { page, errors, requests } = await watchedPage(browser);
    await fill(page, service.url);
    await make(page);
    const served = await downloaded(page);
    requests.length = 0;

    await page.getByLabel('On this device').check();
    await page.getByRole('button', { name: 'Make the classifier' }).click();
    await page.getByText('on this device', { exact: true }).waitFor(patience);
    const made = await downloaded(page);
    await page.getByText('of 4 images that were left out were told right').waitFor(patience);
    expect(requests.filter((request) => !request.startsWith('GET '))).toEqual([]);

    const [weights, expected] = [weightsOf(made), new Map(weightsOf(served))];
    expect(weights.map(([name]) => name)).toEqual([...expected.keys()]);
    for (const [name, values] of weights)
      expect(largestDifference(values, expected.get(name)!), name).toBeLessThan(1e-3);

    await page.getByLabel('Choose images to classify').setInputFiles([await png('red', 3)]);
    const [told] = await predictions(page, 1);
    expect(told!.label).toBe('red');
    expect(told!.rows).toHaveLength(2);

    // a task of the service does not get the images that were tried here, nor those that this one was made of
    await page.getByRole('button', { name: 'Open blue, red' }).last().click();
    await page.getByText('by the service, 5 steps').waitFor(patience);
    expect(await page.locator('.prediction').count()).toBe(0);
    expect(await page.getByText('that were left out').count()).toBe(0);
    expect(requests.filter((request) => !request.startsWith('GET '))).toEqual([]);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('the example works with one press of a key, and its address opens it again', async () => {
    const { page, errors } = await watchedPage(browser);
    await page.goto(service.url);
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Try an example');
    await page.keyboard.press('Enter');
    const told = await predictions(page, 12);
    const right = told.filter(
      ({ label }, i) => label === ['cat', 'clock', 'heart', 'moon'][Math.floor(i / 3)],
    );
    expect(right.length).toBeGreaterThanOrEqual(8);

    // remembered, and opened again by its address in a browser that has never seen it
    await page.getByRole('button', { name: 'Open cat, clock, heart, moon' }).waitFor(patience);
    const again = await watchedPage(browser);
    await again.page.goto(page.url());
    await again.page.getByRole('heading', { name: 'Your classifier' }).waitFor(patience);
    expect([...errors, ...again.errors]).toEqual([]);
    await again.page.context().close();
    await page.context().close();
  });

  test('what the service refuses is shown in its words', async () => {
    const { page } = await watchedPage(browser);
    await fill(page, service.url);
    const broken = {
      name: 'broken.png',
      mimeType: 'image/png',
      buffer: Buffer.from('\x89PNG\r\n\x1a\nnothing', 'latin1'),
    };
    await page.getByLabel('Choose images of blue').setInputFiles([broken]);
    await page.getByRole('button', { name: 'Make the classifier' }).click();
    const alert = page.getByRole('alert');
    await alert.waitFor(patience);
    expect(await alert.textContent()).toContain('broken.png');
    await page.getByLabel('On this device').check();
    await page.getByRole('button', { name: 'Make the classifier' }).click();
    await page.getByText('This browser cannot read broken.png.').waitFor(patience);
    await page.context().close();
  });

  test('takes pictures with the camera', async () => {
    const own = await launch(['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']);
    try {
      const { page, errors } = await watchedPage(own);
      await page.goto(service.url);
      await page.getByRole('button', { name: 'Camera' }).first().click();
      await page.waitForFunction(
        () => (document.querySelector('video')?.videoWidth ?? 0) > 0,
        null,
        patience,
      );
      await page.getByRole('button', { name: 'Take a picture of class 1' }).click();
      await page.getByRole('button', { name: 'Remove camera-1.jpg from class 1' }).waitFor(patience);
      await page.getByRole('button', { name: 'Close' }).click();
      expect(await page.locator('video').count()).toBe(0);
      expect(errors).toEqual([]);
    } finally {
      await own.close();
    }
  });

  test('asks for the key of a service that wants one, and goes on with it', async () => {
    const hash = Buffer.from(hashKey('secret')).toString('hex');
    const guarded = await pageService({ MNAS_API_KEYS: `visitor:${hash}` });
    try {
      const { page } = await watchedPage(browser);
      await fill(page, guarded.url);
      await page.getByRole('button', { name: 'Make the classifier' }).click();
      await page.getByLabel('API key').fill('sécret');
      await page.keyboard.press('Enter');
      await page.getByText('A key has letters, digits and signs of ASCII only').waitFor(patience);
      expect(await violations(page)).toEqual([]);
      await page.getByLabel('API key').fill('secret');
      await page.keyboard.press('Enter'); // and what was refused is done
      await page.getByText('of 4 images that were left out were told right').waitFor(patience);
      await page.getByText('Use it in a program').click();
      expect(await page.locator('pre').first().textContent()).toContain('Bearer $API_KEY');
      await page.context().close();
    } finally {
      await guarded.stop();
    }
  });

  test.each(['light', 'dark'] as const)('is accessible and fits a phone: %s', async (colorScheme) => {
    const { page } = await watchedPage(browser, { colorScheme, viewport: { width: 360, height: 740 } });
    await fill(page, service.url);
    await make(page);
    await page.getByLabel('Choose images to classify').setInputFiles([await png('red', 3)]);
    await predictions(page, 1);
    await page.getByText('Use it in a program').click();
    const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(wide).toBeLessThanOrEqual(width);
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
      await page.goto(service.url);
      const adapter = await page.evaluate(async () =>
        Boolean(
          await (
            navigator as unknown as { gpu?: { requestAdapter(): Promise<unknown> } }
          ).gpu?.requestAdapter(),
        ),
      );
      skip(!adapter, 'this Chromium has no adapter for WebGPU, not even in software');
      await fill(page, service.url);
      await make(page);
      await page.getByLabel('Choose images to classify').setInputFiles([await png('blue', 3)]);
      const [told] = await predictions(page, 1);
      expect(await page.getByText('One image takes').textContent()).toContain('WebGPU');
      expect(differenceIn(told!.text)).toBeLessThan(1e-3);
      expect(errors).toEqual([]);
    } finally {
      await own.close();
    }
  });
});
