// screenshots of the states
import { mkdirSync } from 'node:fs';
import sharp from 'sharp';
import { launch, watchedPage } from './test/web/support/browser.ts';
import { pageService, patience } from './test/web/support/page.ts';
mkdirSync('/tmp/ip/shots', { recursive: true });
const only = process.argv[2]?.split(',');
const service = await pageService();
const browser = await launch(['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream']);
const sizes = [[1280, 800], [768, 1000], [390, 844]] as const;
for (const scheme of (process.argv[3] ?? 'light,dark').split(',') as ('light' | 'dark')[]) {
  const { page, errors } = await watchedPage(browser, { colorScheme: scheme, viewport: { width: 1280, height: 800 } });
  const shoot = async (name: string, full = false) => {
    if (only && !only.some((one) => name.startsWith(one))) return;
    for (const [width, height] of sizes) {
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(150);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) console.log('OVERFLOW', name, width, over);
      await page.screenshot({ path: `/tmp/ip/shots/${name}-${width}-${scheme}.png`, fullPage: full });
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  };
  await page.goto(service.url);
  await page.waitForTimeout(500);
  await shoot('1empty');
  await page.getByRole('button', { name: 'Try an example' }).click();
  await page.getByText('were told right').waitFor(patience);
  await page.locator('.headline').waitFor(patience);
  await page.waitForTimeout(2500);
  await shoot('2example', true);
  await page.getByText('How it was made').click();
  await page.locator('.cells img').nth(1).waitFor(patience);
  await page.getByText('Which class is taken for which').click();
  await shoot('3how', true);
  await page.getByRole('button', { name: 'Export' }).click();
  await page.getByText('JavaScript in Node').click();
  await shoot('4export');
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: /^Remove mug-1/ }).click();
  await shoot('5stale');
  await page.getByRole('button', { name: 'Camera for mug' }).click();
  await page.waitForTimeout(1500);
  await page.getByRole('button', { name: 'Use the camera' }).click();
  await page.waitForTimeout(2500);
  await shoot('6camera', true);
  await page.getByRole('button', { name: 'Stop the camera' }).click();
  await page.getByRole('button', { name: 'Close' }).click();
  const same = { name: 'IMG_2034.png', mimeType: 'image/png', buffer: await sharp({ create: { width: 60, height: 60, channels: 3, background: '#375' } }).png().toBuffer() };
  await page.getByLabel('Choose images of mug').setInputFiles([same, { name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('\x89PNG\r\n\x1a\nnothing', 'latin1') }]);
  await page.getByLabel('Choose images of keys').setInputFiles([same]);
  await page.getByText('broken.png: This image').waitFor(patience);
  await shoot('7problems');
  if (errors.length) console.log('ERRORS', errors);
  await page.context().close();
  const many = await watchedPage(browser, { colorScheme: scheme, viewport: { width: 1280, height: 800 } });
  if (!only || only.includes('8many')) {
    const p = many.page;
    await p.goto(service.url);
    await p.waitForTimeout(400);
    await p.evaluate(() => undefined);
    const make = async (c: number, i: number) => ({ name: `img-${c}-${i}.png`, mimeType: 'image/png', buffer: await sharp(Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64" fill="hsl(${c * 21},60%,${40 + i}%)"/><circle cx="${20 + i}" cy="${30}" r="${5 + c}" fill="#fff"/></svg>`)).png().toBuffer() });
    for (let c = 0; c < 17; c++) {
      if (c > 1) await p.getByRole('button', { name: 'Add a class' }).click();
      await p.getByLabel(`Choose images of Class ${c + 1}`, { exact: true }).setInputFiles(await Promise.all(Array.from({ length: 20 }, (_, i) => make(c, i))));
    }
    await p.waitForTimeout(3000);
    await p.getByRole('button', { name: 'Make the classifier' }).click();
    await p.getByText('were told right').waitFor({ timeout: 300_000 });
    await p.getByText('Which class is taken for which').click();
    await p.getByLabel('Choose images to classify').setInputFiles([await make(3, 25), await make(5, 24)]);
    await p.locator('.headline').waitFor(patience);
    for (const [width, height] of sizes) {
      await p.setViewportSize({ width, height });
      await p.waitForTimeout(200);
      const over = await p.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      if (over > 0) console.log('OVERFLOW many', width, over);
      await p.screenshot({ path: `/tmp/ip/shots/8many-${width}-${scheme}.png`, fullPage: width < 700 });
    }
    if (many.errors.length) console.log('ERRORS many', many.errors);
  }
  await many.page.context().close();
}
await browser.close();
await service.stop();
process.exit(0);
