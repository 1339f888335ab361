import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { decodeImage } from '../../../images/decode.ts';
import { createApp } from '../../../server/app.ts';
import { Background } from '../../../server/concurrency/background.ts';
import { Metrics } from '../../../server/metrics.ts';
import { openDiskStorage } from '../../../server/storage/disk.ts';
import { createFakeAdapter } from './adapter.ts';
import { beside, limits, open } from './defaults.ts';

// The real app over the fake adapter and MNAS_DATA_DIR, as a process that can be killed.
const logger = pino({ level: 'silent' });
const app = createApp({
  adapter: createFakeAdapter(),
  storage: await openDiskStorage(process.env['MNAS_DATA_DIR']!, logger),
  decodeImage: (bytes, size) => decodeImage(bytes, size),
  ...beside,
  background: new Background(logger),
  readiness: { workersReady: true, draining: false },
  limits: limits,
  access: open,
  metrics: new Metrics(),
  logger,
});
const server = app.listen(0, '127.0.0.1');
await once(server, 'listening');
process.stdout.write(`listens on http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
