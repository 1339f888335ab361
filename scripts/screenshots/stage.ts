import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Browser } from 'playwright-core';
import { parseConfiguration } from '../../server/configuration.ts';
import { startService } from '../../server/service.ts';
import { fakeCamera, launch } from '../../test/web/support/browser.ts';

/** Long, in milliseconds, for machines that are busy with other things. */
export const patience = { timeout: 600_000 };

/** A service of its own, and a browser beside it. */
export interface Stage {
  readonly url: string;
  readonly browser: Browser;
}

/**
 * Runs with a service and a Chromium, as the tests find it, whose camera shows a test picture.
 * @throws Error what the run throws, or where there is no browser
 */
export async function onStage(run: (stage: Stage) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'm-nas-screenshot-'));
  const service = await startService(
    parseConfiguration({ PORT: '0', MNAS_DATA_DIR: folder }),
    pino({ level: 'silent' }),
  );
  const browser = await launch(fakeCamera);
  try {
    await run({ url: service.url, browser });
  } finally {
    await browser.close();
    await service.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
