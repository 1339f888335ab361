import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { drop } from './browser.ts';
import { png } from './pictures.ts';

/** Long, for machines that are busy with other things. */
export const patience = { timeout: 120_000 };

/** The page with two classes of two images each, one dropped, one chosen with the file picker. */
export async function fill(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel('Name of class 1').fill('red');
  await page.getByLabel('Name of class 2').fill('blue');
  await drop(page, '.class:nth-of-type(1)', [await png('red', 0), await png('red', 1)]);
  await page.getByLabel('Choose images of blue').setInputFiles([await png('blue', 0), await png('blue', 1)]);
  await page.getByText('4 images in 2 classes').waitFor({ ...patience, state: 'attached' });
}

/** Presses the button that makes the classifier, without waiting for it. */
export const press = (page: Page): Promise<void> =>
  page.locator('#make').getByRole('button', { name: /^Make/ }).click();

/** Makes the classifier; what says that it stands is of the new one. */
export async function make(page: Page): Promise<void> {
  await press(page);
  await page.getByRole('heading', { name: 'Your classifier' }).waitFor(patience);
  await page.locator('#make .progress progress').waitFor({ ...patience, state: 'detached' });
}

/** What the page says of an image: the word at it, its bars, and how far browser and service differ. */
export interface SaidOfImage {
  readonly label: string | null;
  readonly bars: readonly string[];
  readonly difference: number;
}

/** Of every image that is tried, in turn; the last that is looked at stays shown. */
export async function predictions(page: Page, count: number): Promise<SaidOfImage[]> {
  const picks = page.locator('#try .pick');
  const said: SaidOfImage[] = [];
  for (let i = 0; i < count; i++) {
    if (count > 1) await picks.nth(i).click(patience);
    await page.locator('#try .headline').waitFor(patience);
    const details = page.locator('#try .difference');
    if (page.url().includes('#task=')) await details.waitFor({ ...patience, state: 'attached' });
    said.push({
      label: await page.locator('#try .headline strong').textContent(),
      bars: await page.locator('#try .bars li').allTextContents(),
      difference: (await details.count()) > 0 ? differenceIn(await details.textContent()) : NaN,
    });
  }
  return said;
}

const differenceIn = (text: string | null): number =>
  Number(/Largest difference .*: (\S+)/.exec(text ?? '')?.[1]);

/** What axe finds, which is run from outside of the page's policy. */
export async function violations(page: Page): Promise<string[]> {
  const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(source);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const { violations: found } = await axe.run();
    return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
  });
}
