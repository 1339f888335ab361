import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { parseConfiguration } from '../../../server/configuration.ts';
import { startService } from '../../../server/service.ts';

export interface OwnService {
  readonly url: string;
  /** ends it; what it has kept goes with it */
  readonly stop: () => Promise<void>;
}

/** The whole service with a folder of its own and one worker. */
export async function ownService(settings: Readonly<Record<string, string>> = {}): Promise<OwnService> {
  const folder = await mkdtemp(join(tmpdir(), 'm-nas-service-'));
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
