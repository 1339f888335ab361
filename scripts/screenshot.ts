import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { chromium } from 'playwright-core';
import sharp from 'sharp';
import { parseConfiguration } from '../server/configuration.ts';
import { startService } from '../server/service.ts';

/**
 * Draws docs/page.png, the page after its example: `npm run screenshot`, with a Chromium in CHROMIUM or at
 * /usr/bin/chromium.
 */
const target = fileURLToPath(new URL('../docs/page.png', import.meta.url));
const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const width = 1280;
const height = 960;
/** Long, for machines that are busy with other things. */
const patience = { timeout: 120_000 };

const folder = await mkdtemp(join(tmpdir(), 'm-nas-screenshot-'));
const service = await startService(
  parseConfiguration({ PORT: '0', MNAS_DATA_DIR: folder }),
  pino({ level: 'silent' }),
);
const browser = await chromium.launch({
  executablePath,
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
try {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme: 'light' });
  await page.goto(service.url);
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
} finally {
  await browser.close();
  await service.stop();
  await rm(folder, { recursive: true, force: true });
}
