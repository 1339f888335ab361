import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { PoolClosedError } from '../engine/errors.ts';
import { onnxruntimeVersion } from '../engine/onnxruntime.ts';
import { WorkerPool } from '../engine/pool.ts';
import { exporterVersion } from '../model/adaptation/export-child.ts';
import { createPoolAdapter, type PoolUse } from './workers/pool-adapter.ts';
import { createApp } from './app.ts';
import { Background } from './concurrency/background.ts';
import {
  loadCheckpoints,
  readCheckpointFile,
  type CheckpointFile,
  type ImagesFile,
} from './workers/load-checkpoints.ts';
import type { Configuration } from './configuration.ts';
import { buildDocumentation } from './documentation/build.ts';
import type { ServerJobs, ServerWorkerData } from './workers/jobs.ts';
import { Metrics } from './metrics.ts';
import { buildPage } from './page/build.ts';
import type { Readiness } from './ports.ts';
import { decodeViews } from './upload/decode-views.ts';
import { readTrunkFile } from './workers/load-trunk.ts';
import { openStorage } from './storage/open.ts';
import type { TaskStorage } from './storage/storage.ts';

const BUNDLED_CHECKPOINTS = fileURLToPath(new URL('../checkpoints', import.meta.url));

/** That jobs which nobody waits for get to end after MNAS_DRAIN_SECONDS. */
const JOB_SECONDS = 5;

type ServicePool = WorkerPool<ServerJobs, ServerWorkerData>;

export interface Service {
  readonly url: string;
  readonly readiness: Readonly<Readiness>;
  /**
   * Stops accepting, lets running requests and what goes on behind them end (for MNAS_DRAIN_SECONDS at most), then ends the
   * workers. Says whether they ended: their jobs get a few seconds more, and cannot be interrupted.
   */
  stop(): Promise<boolean>;
}

/**
 * Starts everything and listens. Returns when the workers have answered; until then `/readyz` says 503.
 * @throws CheckpointSetupError, a failure of the workers or of listening
 */
export async function startService(configuration: Configuration, logger: Logger): Promise<Service> {
  const checkpoints = await loadCheckpoints({
    bundled: BUNDLED_CHECKPOINTS,
    added: configuration.MNAS_CHECKPOINTS,
    defaultId: configuration.MNAS_DEFAULT_CHECKPOINT,
  });
  if (checkpoints.length === 0) logger.warn('there is no checkpoint, so no task can be made');
  const storage = await openStorage(configuration, logger);
  const pool = startPool(configuration, checkpoints);
  let answered = false;
  const readiness: Readiness = {
    get workersAnswered() {
      return answered && pool.stats.alive > 0;
    },
    draining: false,
  };
  const background = new Background(logger);
  const app = createApp({
    adapter: createPoolAdapter(
      pool,
      checkpoints,
      {
        exporter: exporterVersion,
        onnxruntime: onnxruntimeVersion,
        provider: configuration.MNAS_PROVIDER,
      },
      poolUse(configuration),
    ),
    storage,
    decodeImage: (bytes, size, crops = 0) =>
      decodeViews(bytes, size, crops, { maxPixels: configuration.MNAS_MAX_PIXELS }),
    readCheckpoint: (id) => readCheckpointFile(checkpoints, id),
    readTrunk: (hash) => readTrunkFile(checkpoints, hash),
    page: await buildPage(),
    documentation: await buildDocumentation(),
    background,
    readiness,
    limits: {
      bodyBytes: configuration.MNAS_MAX_BODY_BYTES,
      fileBytes: configuration.MNAS_MAX_FILE_BYTES,
      uploadSeconds: configuration.MNAS_UPLOAD_SECONDS,
      requestSeconds: configuration.MNAS_REQUEST_SECONDS,
      uploads: configuration.MNAS_UPLOADS,
      waitingUploads: configuration.MNAS_UPLOAD_QUEUE,
      decoding: { parallel: availableParallelism(), heavyPixels: configuration.MNAS_HEAVY_PIXELS },
    },
    access: {
      keys: configuration.MNAS_API_KEYS,
      requests: configuration.MNAS_RATE_LIMIT,
      windowSeconds: configuration.MNAS_RATE_SECONDS,
      proxies: configuration.MNAS_TRUST_PROXY,
      origins: configuration.MNAS_CORS_ORIGINS,
    },
    metrics: watched(pool, storage),
    logger,
  });
  const server = createServer({ requestTimeout: (longestArrival(configuration) + 10) * 1000 }, app);
  try {
    server.listen(configuration.PORT, configuration.HOST);
    await once(server, 'listening');
    await Promise.all([pool.ready(), pool.runOnAll('warm', undefined)]);
  } catch (error) {
    server.closeAllConnections();
    server.close();
    await pool.close();
    await storage.close();
    throw error;
  }
  answered = true;
  const usual = checkpoints.find((checkpoint) => checkpoint.kind === 'images' && checkpoint.default);
  if (usual?.kind === 'images') void precompileAll(pool, usual, readiness, logger);
  const stop = async () => {
    readiness.draining = true;
    const seconds = configuration.MNAS_DRAIN_SECONDS;
    const [end, last] = [elapsed(seconds), elapsed(seconds + JOB_SECONDS)];
    await drain(server, seconds);
    // asked after it, since a request that ends while the service drains may have left work behind
    await Promise.race([background.idle(), end]);
    const ended = await Promise.race([pool.close().then(() => true), last.then(() => false)]);
    await storage.close();
    return ended;
  };
  return { url: urlOf(server), readiness, stop };
}

/**
 * Compiles the architectures of a checkpoint of images while the service already answers, one short job at a time, so that
 * a request waits for one of them at most.
 */
async function precompileAll(
  pool: ServicePool,
  { id: checkpoint, genotypes }: ImagesFile,
  readiness: Readonly<Readiness>,
  logger: Logger,
): Promise<void> {
  try {
    for (let genotypeIndex = 0; genotypeIndex < genotypes && !readiness.draining; genotypeIndex++)
      await pool.runOnAll('precompile', { checkpoint, genotypeIndex });
  } catch (error) {
    if (error instanceof PoolClosedError) return; // the service stopped meanwhile
    logger.warn({ err: error }, 'architectures could not be compiled ahead of requests');
  }
}

/** Seconds until a body has arrived: it may wait for its place before anybody reads it. */
const longestArrival = ({ MNAS_UPLOAD_SECONDS, MNAS_REQUEST_SECONDS }: Configuration): number =>
  Math.max(MNAS_UPLOAD_SECONDS, MNAS_REQUEST_SECONDS);

/** How much work is taken on. A client may have half of the queue, beside what the workers do for it. */
const poolUse = (configuration: Configuration): PoolUse => ({
  workers: configuration.MNAS_WORKERS,
  limits: {
    requestCost: configuration.MNAS_REQUEST_COST,
    clientCost: configuration.MNAS_CLIENT_COST,
    clientRequests: configuration.MNAS_WORKERS + Math.ceil(configuration.MNAS_QUEUE / 2),
  },
});

function startPool(configuration: Configuration, checkpoints: readonly CheckpointFile[]): ServicePool {
  return new WorkerPool<ServerJobs, ServerWorkerData>({
    workers: configuration.MNAS_WORKERS,
    urgentWorkers: configuration.MNAS_PREDICTION_WORKERS,
    queueLimit: configuration.MNAS_QUEUE,
    jobs: new URL('./workers/jobs.ts', import.meta.url),
    engine: {
      provider: configuration.MNAS_PROVIDER,
      threads: configuration.MNAS_THREADS,
      cacheSize: configuration.MNAS_SESSIONS,
      memoryPattern: false,
    },
    workerData: { checkpoints },
  });
}

function watched(pool: ServicePool, storage: TaskStorage): Metrics {
  const metrics = new Metrics();
  metrics.watchProcess();
  metrics.watchPool(() => pool.stats);
  if (storage.stats) metrics.watchStorage(storage.stats);
  return metrics;
}

/** Resolves after so many seconds; keeps nothing alive. */
const elapsed = (seconds: number) => wait(seconds * 1000, undefined, { ref: false });

/** Resolves when every connection has ended; after the given time the rest is cut. */
async function drain(server: Server, seconds: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const cut = setTimeout(() => server.closeAllConnections(), seconds * 1000);
  // connections that were busy at first stay open for the next request of their client, which must not come
  const sweep = setInterval(() => server.closeIdleConnections(), 100);
  await closed;
  clearTimeout(cut);
  clearInterval(sweep);
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
