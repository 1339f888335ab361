import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createOnnxExecutor } from '../../engine/onnxruntime.ts';
import { ownService } from '../server/support/own-service.ts';
import type { OwnService } from '../server/support/own-service.ts';
import { testRandom } from '../support/random.ts';
import { trunkSide } from '../support/random-trunk.ts';
import { trunkHash, writeTrunkCheckpoint } from '../support/trunk-files.ts';
import { chromiumPath, launch, missingBrowser, watchedPage } from './support/browser.ts';
import { patience, fill, make, predictions, press } from './support/page.ts';
import { png } from './support/pictures.ts';

const found = chromiumPath() !== undefined;
if (!found) console.warn(missingBrowser);

const native = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 4 });

let folder: string;
let service: OwnService;
let browser: Browser;
beforeAll(async () => {
  if (!found) return;
  folder = await mkdtemp(join(tmpdir(), 'm-nas-device-'));
  await writeTrunkCheckpoint(folder, 'standing');
  service = await ownService({ MNAS_CHECKPOINTS: folder, MNAS_DEFAULT_CHECKPOINT: 'standing' });
  browser = await launch();
});
afterAll(async () => {
  if (!found) return;
  await browser.close();
  await service.stop();
  await native.dispose();
  await rm(folder, { recursive: true });
});

/** What the file that the page offers says of two images of noise. */
async function answers(page: Page, key: string): Promise<Float32Array> {
  await page.getByRole('button', { name: 'Export' }).click();
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download the ONNX file' }).click(),
  ]);
  await page.getByRole('button', { name: 'Close' }).click();
  const model = readFileSync(await file.path());
  const next = testRandom(7);
  const data = Float32Array.from({ length: 2 * 3 * trunkSide ** 2 }, () => (next() + 1) / 2);
  const program = await native.model(key, () => model);
  const { probabilities } = await program.run({ image: { data, shape: [2, 3, trunkSide, trunkSide] } });
  return probabilities!.data;
}

const trunkRequests = (requests: readonly string[]): string[] =>
  requests.filter((request) => request.endsWith(`/v1/trunks/${trunkHash}`));

describe.skipIf(!found)('a checkpoint on a trunk in a browser', () => {
  test('makes the task of the service, and sends no image', async () => {
    const { page, errors, requests } = await watchedPage(browser);
    await fill(page, service.url);
    await make(page);
    const served = await answers(page, 'served');
    await page.getByText(/photos that were left out in turn/).waitFor(patience);
    const confusion = await page.locator('.confusion tbody tr').allTextContents();
    requests.length = 0;

    await page.getByText('Options').click();
    await page.getByLabel('On this device').check();
    await press(page);
    await page.getByText('on this device', { exact: true }).waitFor({ ...patience, state: 'attached' });
    const made = await answers(page, 'made');
    made.forEach((probability, i) => expect(probability).toBeCloseTo(served[i]!, 4));
    await page.getByText(/photos that were left out in turn/).waitFor(patience);
    expect(await page.locator('.confusion tbody tr').allTextContents()).toEqual(confusion);

    await page.getByLabel('Choose images to classify').setInputFiles([await png('red', 3)]);
    expect((await predictions(page, 1))[0]!.bars).toHaveLength(2);

    await page.getByLabel('Name of class 1').fill('crimson');
    await press(page);
    await page.getByText('crimson 2').waitFor({ ...patience, state: 'attached' });
    expect(trunkRequests(requests)).toHaveLength(1); // kept between tasks
    expect(requests.filter((request) => !request.startsWith('GET '))).toEqual([]);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('a trunk that cannot be loaded is told, and loaded by the next try', async () => {
    const { page } = await watchedPage(browser);
    await page.route('**/v1/trunks/*', (route) => route.fulfill({ status: 404 }));
    await fill(page, service.url);
    await page.getByText('Options').click();
    await page.getByLabel('On this device').check();
    await press(page);
    const message = 'The trunk tiny could not be loaded (404).';
    await page.getByRole('alert').getByText(message).waitFor(patience);
    await page.unroute('**/v1/trunks/*');
    await make(page);
    await page.getByText('on this device', { exact: true }).waitFor({ ...patience, state: 'attached' });
    await page.context().close();
  });
});
