import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, launch, missingBrowser, watchedPage } from './support/browser.ts';
import { patience, fill, make, pageService, predictions, violations } from './support/page.ts';
import { png } from './support/pictures.ts';

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

/** The name of what has the focus. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    return element?.getAttribute('aria-label') ?? element?.textContent;
  });

const text = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('x') };

describe.skipIf(!found)('states of the page in a browser', () => {
  test('images go in and out: an empty class stays, files that are none are named, the focus stays near', async () => {
    const { page, errors } = await watchedPage(browser);
    await page.goto(service.url);
    await page
      .getByLabel('Choose images of class 1')
      .setInputFiles([await png('red', 0), await png('red', 1), text]);
    expect(await page.getByLabel(/^Name of class/).count()).toBe(2);
    await page.getByRole('alert').getByText('notes.txt').waitFor();
    await page.getByText('2 images in 2 classes').waitFor({ state: 'attached' });
    await page.getByLabel('Choose images of class 2').setInputFiles([await png('blue', 0)]);
    await page.getByText('Name the class of red-0.png').waitFor();

    await page.getByRole('button', { name: 'Remove red-0.png' }).press('Enter');
    expect(await focused(page)).toBe('Remove red-1.png from class 1');
    await page.getByRole('button', { name: 'Remove red-1.png' }).press('Enter');
    expect(await focused(page)).toBe('Choose images of class 1');
    await page.getByRole('button', { name: 'Add a class' }).click();
    await page.getByRole('button', { name: 'Remove class 3' }).press('Enter');
    expect(await focused(page)).toBe('Name of class 2');
    expect(await violations(page)).toEqual([]);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('a double click makes once; who cancels leaves the task to others, on a device the rest goes on', async () => {
    const { page, errors, requests } = await watchedPage(browser);
    await fill(page, service.url);
    await page.getByLabel('Choose images of red').setInputFiles([await png('red', 5)]);
    await page.getByRole('button', { name: 'Make the classifier' }).dblclick();
    await page.getByRole('heading', { name: 'Your classifier' }).waitFor(patience);

    await page.getByLabel('On this device').check();
    await page.getByRole('button', { name: 'Make the classifier' }).click();
    await page.getByText('Choosing the architecture').waitFor(patience);
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await focused(page)).toBe('Make the classifier');
    await page.getByText('Choosing the architecture').waitFor({ state: 'detached' });
    expect(await page.getByText('by the service, 5 steps').count()).toBe(1);
    await page.getByLabel('Choose images to classify').setInputFiles([await png('blue', 3)]);
    expect((await predictions(page, 1))[0]!.label).toBe('blue');
    expect(requests.filter((request) => request.startsWith('DELETE'))).toEqual([]);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('images that are added while others are computed; unknown by the threshold; earlier tasks', async () => {
    const { page, errors } = await watchedPage(browser);
    await fill(page, service.url);
    await make(page);
    const first = page.url();
    const input = page.getByLabel('Choose images to classify');
    await input.setInputFiles([await png('red', 3), await png('red', 4)]);
    await input.setInputFiles([await png('blue', 3)]);
    expect((await predictions(page, 3)).map(({ label }) => label)).toEqual(['red', 'red', 'blue']);
    await page.getByText('blue-3.png: blue').waitFor({ ...patience, state: 'attached' });

    const slider = page.getByLabel('Call an image unknown');
    const headings = page.locator('.prediction h3');
    await slider.fill('1');
    expect(await headings.allTextContents()).toEqual(['unknown', 'unknown', 'unknown']);
    expect(await page.getByText('most like blue', { exact: true }).count()).toBe(1);
    await slider.fill('0');
    expect(await headings.allTextContents()).toEqual(['red', 'red', 'blue']);
    await page.getByRole('button', { name: 'Clear' }).press('Enter');
    expect(await focused(page)).toBe('Choose images to classify');

    await page.getByLabel('Name of class 1').fill('crimson');
    await make(page);
    await page.getByText('crimson 2').waitFor(patience);
    await page.evaluate((hash) => (location.hash = hash), new URL(first).hash);
    await page.getByText('blue 2, red 2').waitFor(patience);
    const open = page.getByRole('button', { name: 'Open blue, red' });
    expect(await open.getAttribute('aria-current')).toBe('true');
    await page.getByRole('button', { name: 'Open blue, crimson' }).click();
    await page.getByText('crimson 2').waitFor(patience);
    await page.getByRole('button', { name: 'Forget blue, crimson' }).press('Enter');
    await page.getByRole('button', { name: 'Open blue, crimson' }).waitFor({ state: 'detached' });
    expect(await focused(page)).toContain('blue, red');
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('an example that cannot be loaded is told', async () => {
    const { page } = await watchedPage(browser);
    await page.route('**/example-*.json', (route) => route.fulfill({ status: 404 }));
    await page.goto(service.url);
    await page.getByRole('button', { name: 'Try an example' }).click();
    await page.getByRole('alert').getByText('The example could not be loaded (404)').waitFor();
    await page.context().close();
  });

  test('a long name breaks inside its box on a phone', async () => {
    const { page } = await watchedPage(browser, { viewport: { width: 360, height: 740 } });
    await fill(page, service.url);
    await page.getByLabel('Name of class 1').fill('x'.repeat(60));
    await make(page);
    await page.getByText('that were left out were told right').waitFor(patience);
    await page.getByLabel('Choose images to classify').setInputFiles([await png('blue', 3)]);
    await predictions(page, 1);
    const [wide, width, boxes] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      innerWidth,
      Array.from(
        document.querySelectorAll('.prediction, .facts, .kept'),
        (each) => each.scrollWidth - each.clientWidth,
      ),
    ]);
    expect(wide).toBeLessThanOrEqual(width);
    expect(boxes.filter((over) => over > 0)).toEqual([]);
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });
});
