import type { Browser, BrowserContextOptions } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { ownService } from '../../server/support/own-service.ts';
import type { OwnService } from '../../server/support/own-service.ts';
import { chromiumPath, launch, missingBrowser, watchedPage } from './browser.ts';
import type { Watched } from './browser.ts';

/** What the tests of a file share. */
export interface OwnStage {
  /** whether there is a Chromium: without one the tests are to be skipped */
  readonly found: boolean;
  /** of the service, while the tests run */
  readonly url: string;
  /** a page of its own context, watched from the start */
  page(options?: BrowserContextOptions): Promise<Watched>;
}

/** A service of its own and a Chromium for all tests of the file that calls it; says so where there is no Chromium. */
export function ownStage(): OwnStage {
  const found = chromiumPath() !== undefined;
  if (!found) console.warn(missingBrowser);
  let service: OwnService;
  let browser: Browser;
  beforeAll(async () => {
    if (!found) return;
    service = await ownService();
    browser = await launch();
  });
  afterAll(async () => {
    if (!found) return;
    await browser.close();
    await service.stop();
  });
  return {
    found,
    get url() {
      return service.url;
    },
    page: (options) => watchedPage(browser, options),
  };
}
