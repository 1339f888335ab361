import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { onStage, patience } from './screenshots/stage.ts';

/**
 * Draws docs/page.png, the page after its example: `npm run screenshot`, with a Chromium in CHROMIUM or on
 * the PATH.
 */
const target = fileURLToPath(new URL('../docs/page.png', import.meta.url));
const width = 1280;
const height = 1090;

await onStage(async ({ url, browser }) => {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: 'light' });
  await page.goto(url);
  await page.getByRole('button', { name: 'Try an example' }).click();
  await page.getByText('photos that were left out in turn').waitFor(patience);
  await page.locator('#try .pick', { hasText: 'unknown' }).waitFor(patience);
  await page.locator('#try .bars').waitFor(patience);
  await page.getByText('Which class is taken for which').click();
  await page.locator('.confusion').waitFor(patience);
  // without a ring of focus, and from the top
  await page.evaluate('document.activeElement.blur(); scrollTo(0, 0)');
  const drawn = await page.screenshot({ clip: { x: 0, y: 0, width, height } });
  const small = await sharp(drawn).png({ palette: true, colours: 128, compressionLevel: 9 }).toBuffer();
  await writeFile(target, small);
  console.log(`${target}: ${small.length} bytes`);
});
