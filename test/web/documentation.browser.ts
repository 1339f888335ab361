import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { contract } from '../server/support/contract.ts';
import { harness, listen } from '../server/support/harness.ts';
import { chromiumPath, launch, missingBrowser, watchedPage } from './support/browser.ts';

const found = chromiumPath() !== undefined;
if (!found) console.warn(missingBrowser);

let browser: Browser;
beforeAll(async () => {
  if (found) browser = await launch();
});
afterAll(async () => {
  if (found) await browser.close();
});

test.skipIf(!found)('the page draws the contract and sends a request, without another host', async () => {
  const { app } = await harness();
  const { port } = await listen(app);
  const origin = `http://127.0.0.1:${port}`;
  const { page, errors, requests } = await watchedPage(browser);
  await page.goto(`${origin}/docs`);
  await page.locator('.opblock').first().waitFor();
  const operations = Object.values(contract.paths).flatMap((path) =>
    Object.keys(path).filter((key) => ['get', 'post', 'delete'].includes(key)),
  );
  expect(await page.locator('.opblock').count()).toBe(operations.length);
  await page.locator('#operations-operation-getHealth .opblock-summary-control').click();
  await page.locator('#operations-operation-getHealth .execute').click();
  await page.locator('#operations-operation-getHealth .live-responses-table').getByText('"ok"').waitFor();
  if (process.env['SCREENSHOTS'] !== undefined)
    await page.screenshot({ path: `${process.env['SCREENSHOTS']}/docs.png`, fullPage: false });
  expect(errors).toEqual([]);
  expect(requests.filter((line) => !line.includes(` ${origin}/`) && !line.includes(' data:'))).toEqual([]);
});
