import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Page } from 'playwright-core';
import { parseConfiguration } from '../../../server/configuration.ts';
import { startService } from '../../../server/service.ts';
import { drop } from './browser.ts';
import { png } from './pictures.ts';

/** Long, for machines that are busy with other things. */
export const patience = { timeout: 120_000 };

/** A service of its own with one worker, and how it ends. */
export async function pageService(settings: Readonly<Record<string, string>> = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'm-nas-page-'));
  const configuration = parseConfiguration({
    PORT: '0',
    MNAS_DATA_DIR: folder,
    MNAS_WORKERS: '1',
    ...settings,
  });
  const service = await startService(configuration, pino({ level: 'silent' }));
  const stop = async () => {
    await service.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { url: service.url, stop };
}

/** The page with two classes of two images each, one dropped, one chosen with the file picker. */
export async function fill(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByLabel('Name of class 1').fill('red');
  await page.getByLabel('Name of class 2').fill('blue');
  await drop(page, '.card:nth-of-type(1)', [await png('red', 0), await png('red', 1)]);
  await page.getByLabel('Choose images of blue').setInputFiles([await png('blue', 0), await png('blue', 1)]);
}

export async function make(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Make the classifier' }).click();
  await page.getByRole('heading', { name: 'Your classifier' }).waitFor(patience);
}

/** What the page says of new images: label, and the numbers of its table's columns by class. */
export async function predictions(page: Page, count: number) {
  const items = page.locator('.prediction');
  await items
    .nth(count - 1)
    .locator('progress')
    .first()
    .waitFor(patience);
  await page.waitForFunction(
    () => !document.querySelector('.predictions')!.textContent.includes('…'),
    null,
    patience,
  );
  return Promise.all(
    (await items.all()).map(async (item) => ({
      label: await item.locator('h3').textContent(),
      rows: await item.locator('tbody tr').allTextContents(),
      text: await item.textContent(),
    })),
  );
}

export function differenceIn(text: string | null): number {
  return Number(/Largest difference: (\S+)/.exec(text ?? '')?.[1]);
}

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
