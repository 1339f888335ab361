import { buildDocumentation } from '../../../server/documentation/build.ts';
import type { AccessOptions } from '../../../server/access/access.ts';
import { parseConfiguration } from '../../../server/configuration.ts';
import type { AppDependencies, AppLimits } from '../../../server/app.ts';
import { noTraces } from '../../../server/tracing/traces.ts';

export const limits: AppLimits = {
  bodyBytes: 2_000_000,
  fileBytes: 200_000,
  uploadSeconds: 10,
  requestSeconds: 60,
  uploads: parseConfiguration({}).MNAS_UPLOADS,
  waitingUploads: parseConfiguration({}).MNAS_UPLOAD_QUEUE,
  decoding: { parallel: 2, heavyPixels: 1_000_000 },
};

export const open: AccessOptions = { requests: 0, windowSeconds: 60, proxies: 0, origins: [] };

/** What few tests are about. */
export const beside: Pick<
  AppDependencies,
  'readCheckpoint' | 'readTrunk' | 'page' | 'documentation' | 'traces'
> = {
  readCheckpoint: (id) => Promise.resolve(Buffer.from(id)),
  readTrunk: (hash) => Promise.resolve(Buffer.from(hash)),
  documentation: await buildDocumentation(),
  traces: noTraces,
  page: { document: Buffer.from('<!doctype html>'), assets: new Map() },
};
