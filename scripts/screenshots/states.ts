import type { Locator, Page } from 'playwright-core';
import { press } from '../../test/web/support/page.ts';
import { shots } from './photos.ts';
import type { PhotoClass } from './photos.ts';
import { patience } from './stage.ts';

/** What a state is made of. */
export interface Scene {
  readonly page: Page;
  readonly url: string;
  readonly photos: readonly PhotoClass[];
}

/** Brings a fresh page into a state. @throws Error of playwright, where it does not get there in time */
export type State = (scene: Scene) => Promise<void>;

const most = { classes: 17, images: 20 };

const named = (page: Page, name: string | RegExp): Locator => page.getByRole('button', { name });

async function fill({ page, url, photos }: Scene, classes: number, images: number): Promise<void> {
  await page.goto(url);
  for (const [i, { label, files }] of photos.slice(0, classes).entries()) {
    if (i > 1) await named(page, 'Add a class').click();
    await page.getByLabel(`Name of class ${i + 1}`).fill(label);
    await page.getByLabel(`Choose images of ${label}`, { exact: true }).setInputFiles(files.slice(0, images));
    await named(page, /^Remove .* from /)
      .nth(0)
      .waitFor(patience);
  }
  await page.waitForTimeout(1000); // pictures are drawn small
}

async function make(scene: Scene, classes = 3, images = shots): Promise<void> {
  await fill(scene, classes, images);
  await press(scene.page);
  // how good it is, or why that is not known; or why there is none
  await scene.page.locator('.judged > p:not(.hint), #make .error').first().waitFor(patience);
}

/** Shows new photos of the first classes, and one of a class that is none of them. */
async function tryOut({ page, photos }: Scene, classes = 3): Promise<void> {
  const news = photos.slice(0, classes).flatMap(({ files }) => files.slice(-2));
  const foreign = photos[classes]?.files.slice(-1) ?? [];
  const files = [...news, ...foreign];
  await page.getByLabel('Choose images to classify').setInputFiles(files);
  await page.locator('#try .bars').waitFor(patience);
  await page.waitForFunction(
    () => Array.from(document.querySelectorAll('#try .word')).every(({ textContent }) => textContent !== '…'),
    null,
    patience,
  );
}

async function open(page: Page, summaries: readonly string[]): Promise<void> {
  for (const summary of summaries) await page.getByText(summary, { exact: true }).click();
}

/** Every state of the page that somebody may see, by name. */
export const states: Readonly<Record<string, State>> = {
  empty: async ({ page, url }) => {
    await page.goto(url);
  },
  filled: (scene) => fill(scene, 3, shots),
  working: async (scene) => {
    await scene.page.route('**/v1/tasks*', () => undefined); // it never comes along
    await fill(scene, 3, shots);
    await press(scene.page);
    await scene.page.locator('#make .progress progress').waitFor(patience);
  },
  made: (scene) => make(scene),
  example: async ({ page, url }) => {
    await page.goto(url);
    await named(page, 'Try an example').click();
    await page.getByText('photos that were left out in turn').waitFor(patience);
    await page.locator('#try .pick', { hasText: 'unknown' }).waitFor(patience);
  },
  tried: async (scene) => {
    await make(scene);
    await tryOut(scene);
  },
  unknown: async (scene) => {
    await make(scene);
    await tryOut(scene);
    await scene.page.locator('#try .pick').last().click();
  },
  opened: async (scene) => {
    await make(scene);
    await tryOut(scene);
    await open(scene.page, ['Options', 'Which class is taken for which', 'How it was made', 'Details']);
    await scene.page.locator('.cells img').nth(1).waitFor(patience);
  },
  export: async (scene) => {
    await make(scene);
    await named(scene.page, 'Export').click();
    await open(scene.page, ['Python']);
  },
  stale: async (scene) => {
    await make(scene);
    await scene.page.getByLabel('Name of class 1').fill('something else');
    await named(scene.page, /^Remove .* from/)
      .last()
      .click();
    await scene.page.getByText('Out of date.').waitFor(patience);
  },
  doubts: async (scene) => {
    const { page, photos } = scene;
    await fill(scene, 3, 2);
    // photos in a class that they are not of
    await page
      .getByLabel(`Choose images of ${photos[0]!.label}`, { exact: true })
      .setInputFiles(photos[1]!.files.slice(2, 4));
    await press(page);
    await page.getByText('Look at these again').waitFor(patience);
  },
  remarks: async (scene) => {
    const { page, photos } = scene;
    await fill(scene, 3, 3);
    const second = page.getByLabel(`Choose images of ${photos[1]!.label}`, { exact: true });
    await second.setInputFiles(photos[0]!.files.slice(0, 1));
    const broken = Buffer.from('\x89PNG\r\n\x1a\nnothing', 'latin1');
    await second.setInputFiles([
      { name: 'broken.png', mimeType: 'image/png', buffer: broken },
      { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('x') },
    ]);
    await page.getByText('One image cannot be used; remove it.').first().waitFor(patience);
  },
  recording: async (scene) => {
    await fill(scene, 2, 3);
    await named(scene.page, `Camera for ${scene.photos[0]!.label}`).click();
    await scene.page.waitForFunction(
      () => (document.querySelector('video')?.videoWidth ?? 0) > 0,
      null,
      patience,
    );
  },
  live: async (scene) => {
    await make(scene);
    await named(scene.page, 'Use the camera').click();
    await scene.page.locator('#try .live .bars').waitFor(patience);
  },
  device: async (scene) => {
    await fill(scene, 3, shots);
    await open(scene.page, ['Options']);
    await scene.page.getByLabel('On this device').check();
  },
  earlier: async (scene) => {
    const { page, photos } = scene;
    await make(scene, 2, 3);
    for (const [i, { label, files }] of photos.slice(2, 4).entries()) {
      await named(page, 'Add a class').click();
      await page.getByLabel(`Name of class ${i + 3}`).fill(label);
      await page.getByLabel(`Choose images of ${label}`, { exact: true }).setInputFiles(files.slice(0, 3));
      await page.getByText('Out of date.').waitFor(patience);
      await press(page);
      await page.getByText('Out of date.').waitFor({ ...patience, state: 'detached' });
    }
    await page.getByText('Map of the tasks').waitFor(patience);
  },
  refused: async (scene) => {
    await scene.page.route('**/v1/tasks*', (route) =>
      route.fulfill({
        status: 401,
        contentType: 'application/problem+json',
        body: JSON.stringify({ code: 'unauthorized', title: 'Unauthorized', status: 401, detail: 'No key.' }),
      }),
    );
    await fill(scene, 3, shots);
    await press(scene.page);
    await scene.page.getByLabel('API key').waitFor(patience);
  },
  unreachable: async (scene) => {
    await scene.page.route('**/v1/tasks*', (route) => route.abort());
    await fill(scene, 3, shots);
    await press(scene.page);
    await scene.page.locator('#make .error').waitFor(patience);
  },
  many: async (scene) => {
    await make(scene, most.classes, most.images);
    await tryOut(scene, most.classes);
    // a service that is busy may not have had the time to check it
    const table = scene.page.getByText('Which class is taken for which');
    if ((await table.count()) > 0) await table.click();
  },
  long: async (scene) => {
    await make(scene, 2, 2);
    await scene.page
      .getByLabel('Name of class 1')
      .fill('an uncommonly long name of a class, as a person may well type it');
  },
};
