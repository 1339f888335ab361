import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import type { Page } from 'playwright-core';
import { violations } from '../test/web/support/page.ts';
import { photosOf } from './screenshots/photos.ts';
import { onStage, patience } from './screenshots/stage.ts';
import { states } from './screenshots/states.ts';

/**
 * Pictures of every state of the page, at three widths, light and dark, to be looked at, and what axe finds in it:
 * `npm run screenshots -- --images FOLDER --out FOLDER`. A file is called STATE-WIDTH-SCHEME.png.
 */
const program = new Command('screenshots')
  .requiredOption(
    '--images <folder>',
    'photos, a folder a class; seventeen of twenty photos for the largest state',
  )
  .requiredOption('--out <folder>', 'where the pictures go')
  .option('--only <states>', 'these states only, comma-separated', (text) => text.split(','));

/** Viewports, in pixels: a desktop, a tablet, a phone. */
const viewports = [
  { width: 1280, height: 900 },
  { width: 768, height: 1024 },
  { width: 390, height: 844 },
];

async function shoot(page: Page, target: string): Promise<void> {
  for (const viewport of viewports)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.waitForTimeout(300); // pictures of the cells are drawn anew
      const path = `${target}-${viewport.width}-${colorScheme}.png`;
      // a dialog covers what is in view
      await page.screenshot({
        ...patience,
        path,
        fullPage: (await page.locator('dialog[open]').count()) === 0,
      });
      if (viewport === viewports[0]) for (const found of await violations(page)) console.log(path, found);
    }
}

const { images, out, only } = program
  .parse()
  .opts<{ readonly images: string; readonly out: string; readonly only?: readonly string[] }>();
const photos = await photosOf(images);
await mkdir(out, { recursive: true });
await onStage(async ({ url, browser }) => {
  for (const [name, bring] of Object.entries(states)) {
    if (only && !only.includes(name)) continue;
    const context = await browser.newContext({ viewport: viewports[0]! });
    const page = await context.newPage();
    await bring({ page, url, photos });
    await page.evaluate(() => scrollTo(0, 0));
    await shoot(page, join(out, name));
    await context.close();
    console.log(name);
  }
});
