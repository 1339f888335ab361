import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import sharp from 'sharp';
import type { Sharp } from 'sharp';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodeImage } from '../../images/decode.ts';
import { testRandom } from '../support/random.ts';
import { chromiumPath, launch, missingBrowser } from './support/browser.ts';

const found = chromiumPath() !== undefined;
if (!found) console.warn(missingBrowser);

const size = 42;

/** `decodeImage` of the page as a script: `page.decodeImage`. */
async function script(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../../web/device/decode.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'page',
  });
  return outputFiles[0]!.text;
}

let browser: Browser;
let page: Page;
beforeAll(async () => {
  if (!found) return;
  browser = await launch();
  page = await browser.newPage();
  await page.addScriptTag({ content: await script() });
});
afterAll(async () => {
  if (found) await browser.close();
});

/** The page's pixels of a file. */
async function decoded(file: Buffer, type: string): Promise<number[]> {
  const given = { base64: file.toString('base64'), type, size };
  return page.evaluate(async (each) => {
    const bytes = Uint8Array.from(atob(each.base64), (c) => c.charCodeAt(0));
    const { page: made } = globalThis as unknown as {
      page: { decodeImage(file: Blob, size: number): Promise<Uint8Array> };
    };
    return Array.from(await made.decodeImage(new Blob([bytes], { type: each.type }), each.size));
  }, given);
}

/** Largest and mean difference of the page's pixels from the service's, of 255 steps. */
async function difference(image: Sharp, type: string): Promise<{ largest: number; mean: number }> {
  const file = await image.toBuffer();
  const [here, there] = [await decoded(file, type), await decodeImage(file, size)];
  expect(here).toHaveLength(there.length);
  const differences = here.map((value, i) => Math.abs(value - there[i]!));
  const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length;
  return { largest: Math.max(...differences), mean };
}

/** Coloured noise over fields of colour: more detail than a photo has. */
function picture(width: number, height: number, channels: 3 | 4 = 3): Sharp {
  const next = testRandom(width + height);
  const data = Buffer.alloc(width * height * channels);
  for (let i = 0; i < data.length; i++) {
    const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    const field = (Math.floor((x * 7) / width) * (i % channels) + Math.floor((y * 5) / height)) % 2;
    data[i] = Math.floor(120 * field + 60 * (next() + 1));
  }
  return sharp(data, { raw: { width, height, channels } });
}

/** Waves of colour without sharp edges, as the most of a photo is. */
function smooth(width: number, height: number): Sharp {
  const data = Buffer.alloc(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const [x, y, c] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width), i % 3];
    data[i] = Math.round(128 + 90 * Math.sin((x * (c + 1)) / 90 + c) * Math.cos(y / (70 + 20 * c)));
  }
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** Of 255 steps: a little above what Chromium 156 shows, which docs/page.md tells. */
const bounds = {
  smooth: { largest: 3, mean: 0.5 },
  noise: { largest: 8, mean: 1.5 },
};

describe.skipIf(!found)("the page's preprocessing against the service's", () => {
  test.each([
    [42, 42],
    [640, 480],
    [30, 500],
  ])('PNG of %i × %i: the same bytes', async (width, height) => {
    expect(await difference(picture(width, height).png(), 'image/png')).toEqual({ largest: 0, mean: 0 });
  });

  test('lossless WebP: the same bytes', async () => {
    const image = picture(300, 200).webp({ lossless: true });
    expect(await difference(image, 'image/webp')).toEqual({ largest: 0, mean: 0 });
  });

  test.each([
    ['4:2:0', 'smooth'],
    ['4:4:4', 'smooth'],
    ['4:2:0', 'noise'],
    ['4:4:4', 'noise'],
  ] as const)('JPEG, %s, %s: within what decoders may differ', async (chromaSubsampling, kind) => {
    const image = (kind === 'noise' ? picture(640, 480) : smooth(640, 480)).jpeg({
      quality: 85,
      chromaSubsampling,
    });
    const { largest, mean } = await difference(image, 'image/jpeg');
    expect(largest).toBeLessThanOrEqual(bounds[kind].largest);
    expect(mean).toBeLessThanOrEqual(bounds[kind].mean);
  });

  test('JPEG turned by its EXIF orientation', async () => {
    const image = smooth(640, 400).withMetadata({ orientation: 6 }).jpeg({ quality: 90 });
    const { largest } = await difference(image, 'image/jpeg');
    expect(largest).toBeLessThanOrEqual(bounds.smooth.largest);
  });

  test.each([
    [42, 42],
    [20, 90],
    [300, 200],
  ])('partial transparency, %i × %i: the same bytes', async (width, height) => {
    const image = picture(width, height, 4).png();
    expect(await difference(image, 'image/png')).toEqual({ largest: 0, mean: 0 });
  });
});
