import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { ownStage } from './support/own-stage.ts';
import { patience, fill, make, predictions, press, violations } from './support/page.ts';
import { png } from './support/pictures.ts';

const stage = ownStage();

/** The name of what has the focus. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    return element?.getAttribute('aria-label') ?? element?.textContent;
  });

const text = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('x') };

describe.skipIf(!stage.found)('states of the page in a browser', () => {
  test('images go in and out: what is no image is named, the focus stays near, everything comes back', async () => {
    const { page, errors } = await stage.page();
    await page.goto(stage.url);
    await page
      .getByLabel('Choose images of Class 1')
      .setInputFiles([await png('red', 0), await png('red', 1), text]);
    expect(await page.getByLabel(/^Name of class/).count()).toBe(2);
    await page.getByRole('alert').getByText('notes.txt').waitFor();
    await page.getByText('2 images in 2 classes').waitFor({ state: 'attached' });
    await page.locator('#obstacle').getByText('Add images to “Class 2”.').waitFor();

    await page.getByRole('button', { name: 'Remove red-0.png' }).press('Enter');
    expect(await focused(page)).toBe('Remove red-1.png from Class 1');
    await page.getByRole('button', { name: 'Remove red-1.png' }).press('Enter');
    expect(await focused(page)).toBe('Choose images of Class 1');
    await page.getByRole('button', { name: 'Add a class' }).click();
    await page.getByRole('button', { name: 'Remove Class 3' }).press('Enter');
    expect(await focused(page)).toBe('Name of class 2');
    for (const what of ['Removed Class 3', 'Removed red-1.png', 'Removed red-0.png']) {
      await page.getByText(what).waitFor();
      await page.getByRole('button', { name: 'Undo' }).click();
    }
    const names = page.getByRole('button', { name: /^Remove red/ });
    expect(await names.evaluateAll((all) => all.map((one) => one.getAttribute('aria-label')))).toEqual([
      'Remove red-0.png from Class 1',
      'Remove red-1.png from Class 1',
    ]);
    expect(await page.getByLabel(/^Name of class/).count()).toBe(3);
    expect(await violations(page)).toEqual([]);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('a reload loses nothing, an example stands beside own work, and the same image in two classes is remarked', async () => {
    const { page, errors } = await stage.page();
    await fill(page, stage.url);
    await page.getByLabel('Choose images of blue').setInputFiles([await png('red', 0)]);
    await page.getByText('The same image is in “red”, too').waitFor(patience);
    await page.waitForTimeout(1500); // it is saved when nothing has changed for a while
    await page.reload();
    await page.getByRole('button', { name: 'Remove red-0.png from blue' }).waitFor(patience);
    await page.getByText('5 images in 2 classes').waitFor({ ...patience, state: 'attached' });

    await page.getByRole('button', { name: 'Try an example' }).click();
    await page.getByText('The example is loaded. Your classes are kept below.').waitFor(patience);
    await page.getByRole('heading', { name: 'Your classifier' }).waitFor(patience);
    await page.getByText('not made yet, 5 images').waitFor(patience);
    await page.getByRole('button', { name: /^Open red, blue/ }).click();
    await page.getByText('5 images in 2 classes').waitFor({ ...patience, state: 'attached' });
    await page.getByText('Out of date.').waitFor(patience);

    // and the earlier task comes back whole
    await page.getByRole('button', { name: 'Open glasses, keys, mug' }).click();
    await page.getByText('15 images in 3 classes').waitFor({ ...patience, state: 'attached' });
    await page.getByText('Out of date.').waitFor({ ...patience, state: 'detached' });
    await page.getByText('All 15 photos that were left out').waitFor(patience);
    await page.getByText('not made yet, 5 images').waitFor(patience);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('a double click makes once; who cancels leaves the task to others, on a device the rest goes on', async () => {
    const { page, errors, requests } = await stage.page();
    await fill(page, stage.url);
    await page.getByLabel('Choose images of red').setInputFiles([await png('red', 5)]);
    await page.locator('#make').getByRole('button', { name: /^Make/ }).dblclick();
    await page.getByRole('heading', { name: 'Your classifier' }).waitFor(patience);

    await page.getByText('Options').click();
    await page.getByLabel('On this device').check();
    await press(page);
    await page.locator('#make').getByText('Choosing the architecture').waitFor(patience);
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await focused(page)).toBe('Make it again');
    await page.locator('#make .progress progress').waitFor({ state: 'detached' });
    expect(await page.getByText(/^by the service/).count()).toBe(1);
    await page.getByLabel('Choose images to classify').setInputFiles([await png('blue', 3)]);
    expect((await predictions(page, 1))[0]!.label).toBe('blue');
    expect(requests.filter((request) => request.startsWith('DELETE'))).toEqual([]);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('images that are added while others are computed; unknown by the slider; stale; earlier tasks', async () => {
    const { page, errors } = await stage.page();
    await fill(page, stage.url);
    await make(page);
    const first = page.url();
    const input = page.getByLabel('Choose images to classify');
    await input.setInputFiles([await png('red', 3), await png('red', 4)]);
    await input.setInputFiles([await png('blue', 3)]);
    expect((await predictions(page, 3)).map(({ label }) => label)).toEqual(['red', 'red', 'blue']);
    await page.getByText('blue-3.png: blue').waitFor({ ...patience, state: 'attached' });

    const slider = page.getByLabel('Call things “unknown”');
    const words = page.locator('#try .word');
    await page.getByText('about nine in ten photos of your classes pass').waitFor();
    await slider.fill('1');
    expect(await words.allTextContents()).toEqual(['unknown', 'unknown', 'unknown']);
    expect(await page.getByText('most like blue', { exact: true }).count()).toBe(1);
    await page.getByRole('button', { name: /^Back to/ }).click();
    expect(await words.allTextContents()).toEqual(['red', 'red', 'blue']);
    await page.getByRole('button', { name: 'Clear' }).press('Enter');
    expect(await focused(page)).toBe('Choose images to classify');
    await page.getByRole('button', { name: 'Undo' }).click();
    expect(await words.count()).toBe(3);

    await page.getByLabel('Name of class 1').fill('crimson');
    await page.getByText('Out of date.').waitFor();
    await make(page);
    await page.getByText('Out of date.').waitFor({ state: 'detached' });
    await page.evaluate((hash) => (location.hash = hash), new URL(first).hash);
    await page.getByText('blue 2, red 2').waitFor({ ...patience, state: 'attached' });
    const open = page.getByRole('button', { name: 'Open blue, red' });
    expect(await open.getAttribute('aria-current')).toBe('true');
    expect(await page.getByLabel('Name of class 1').inputValue()).toBe('red');
    await page.getByRole('button', { name: 'Open blue, crimson' }).click();
    await page.getByText('crimson 2').waitFor({ ...patience, state: 'attached' });
    await page.getByRole('button', { name: 'Forget blue, crimson' }).press('Enter');
    await page.getByRole('button', { name: 'Open blue, crimson' }).waitFor({ state: 'detached' });
    expect(await focused(page)).toContain('blue, red');
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('button', { name: 'Open blue, crimson' }).waitFor(patience);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('an image that is told wrong is shown, and is moved by a button', async () => {
    const { page } = await stage.page();
    await page.goto(stage.url);
    await page.getByLabel('Name of class 1').fill('red');
    await page.getByLabel('Name of class 2').fill('blue');
    const reds = await Promise.all([0, 1, 2, 3].map((i) => png('red', i)));
    const blues = await Promise.all([0, 1, 2].map((i) => png('blue', i)));
    await page.getByLabel('Choose images of red').setInputFiles(reds);
    await page.getByLabel('Choose images of blue').setInputFiles([...blues, await png('red', 6)]);
    await make(page);
    await page.getByText('In “blue”, but looks like “red”.').waitFor(patience);
    await page.getByRole('button', { name: 'Move red-6.png to red' }).click();
    await page.getByRole('button', { name: 'Remove red-6.png from red' }).waitFor();
    await page.getByText('Out of date.').waitFor();
    await page.context().close();
  });

  test('pictures that are pasted go to the class that has the focus', async () => {
    const { page } = await stage.page();
    await page.goto(stage.url);
    const { buffer } = await png('red', 0);
    await page.getByLabel('Name of class 2').focus();
    await page.evaluate((base64) => {
      const data = new DataTransfer();
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
      data.items.add(new File([bytes], 'image.png', { type: 'image/png' }));
      dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, cancelable: true }));
    }, buffer.toString('base64'));
    await page.getByRole('button', { name: 'Remove image.png from Class 2' }).waitFor();
    await page.context().close();
  });

  test('of many classes each shows a few images, and all at a press', async () => {
    const { page, errors } = await stage.page();
    await page.goto(stage.url);
    const images = await Promise.all([0, 1, 2, 3, 4, 5, 6].map((i) => png('red', i)));
    await page.getByLabel('Choose images of Class 1').setInputFiles(images);
    const shown = page.getByRole('button', { name: /^Remove red-.* from Class 1$/ });
    await shown.nth(6).waitFor(patience);
    for (let i = 0; i < 5; i++) await page.getByRole('button', { name: 'Add a class' }).click();
    const all = page.getByRole('button', { name: 'Show all images of Class 1' });
    await all.waitFor(patience);
    expect(await shown.count()).toBe(5);
    expect(await all.textContent()).toBe('+2');
    await all.press('Enter');
    expect(await shown.count()).toBe(7);
    await page.getByRole('button', { name: 'Show fewer images of Class 1' }).press('Enter');
    expect(await shown.count()).toBe(5);

    // one that there is a remark on is not hidden
    await page.getByLabel('Choose images of Class 2').setInputFiles([images[6]!]);
    await page.getByRole('button', { name: 'Remove red-6.png from Class 1' }).waitFor(patience);
    expect(await shown.count()).toBe(6);
    expect(await violations(page)).toEqual([]);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test('an example that cannot be loaded is told', async () => {
    const { page } = await stage.page();
    await page.route('**/example-*.json', (route) => route.fulfill({ status: 404 }));
    await page.goto(stage.url);
    await page.getByRole('button', { name: 'Try an example' }).click();
    await page.getByRole('alert').getByText('The example could not be loaded (404)').waitFor();
    await page.context().close();
  });

  test('a long name breaks inside its box on a phone', async () => {
    const { page } = await stage.page({ viewport: { width: 360, height: 740 } });
    await fill(page, stage.url);
    await page.getByLabel('Name of class 1').fill('x'.repeat(60));
    await make(page);
    await page.getByText(/photos that were left out in turn/).waitFor(patience);
    await page.getByText('Which class is taken for which').click();
    await page.getByLabel('Choose images to classify').setInputFiles([await png('blue', 3)]);
    await predictions(page, 1);
    const [wide, width, boxes] = await page.evaluate(() => [
      document.documentElement.scrollWidth,
      innerWidth,
      Array.from(
        document.querySelectorAll('.tried, .confusion, .answer, .kept'),
        (each) => each.scrollWidth - each.clientWidth,
      ),
    ]);
    expect(wide).toBeLessThanOrEqual(width);
    expect(boxes.filter((over) => over > 0)).toEqual([]);
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });
});
