import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { onnxruntimeVersion } from '../engine/onnxruntime.ts';
import { WorkerPool } from '../engine/pool.ts';
import { exporterVersion } from '../model/adaptation/export-child.ts';
import { MemoryWatch } from './workers/memory-watch.ts';
import { precompileAll } from './workers/precompile-all.ts';
import { memoryPlan, usuallyKept } from './workers/memory-plan.ts';
import type { MemoryPlan } from './workers/memory-plan.ts';
import { createPoolAdapter } from './workers/pool-adapter.ts';
import type { PoolUse } from './workers/pool-adapter.ts';
import { KeyFile } from './access/key-file.ts';
import { fixedKeys } from './access/keys.ts';
import type { KeySource } from './access/keys.ts';
import { createApp } from './app.ts';
import { Background } from './concurrency/background.ts';
import { loadCheckpoints, readCheckpointFile } from './workers/load-checkpoints.ts';
import type { CheckpointFile } from './workers/load-checkpoints.ts';
import type { Configuration } from './configuration.ts';
import { buildDocumentation } from './documentation/build.ts';
import { createHttpServer } from './http/server.ts';
import type { ServerJobs, ServerWorkerData } from './workers/jobs.ts';
import { Metrics } from './metrics.ts';
import { version } from './version.ts';
import { measuredPool } from './workers/measured-pool.ts';
import { buildPage } from './page/build.ts';
import type { Readiness } from './ports.ts';
import { decodeViews } from './upload/decode-views.ts';
import { readTrunkFile } from './workers/load-trunk.ts';
import { observed } from './observed.ts';
import { openStorage } from './storage/open.ts';
import type { TaskStorage } from './storage/storage.ts';
import { openTraces } from './tracing/open.ts';

const bundledCheckpoints = fileURLToPath(new URL('../checkpoints', import.meta.url));

/** The service cannot listen where it should; thrown at start. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** That jobs which nobody waits for get to end after MNAS_DRAIN_SECONDS. */
const jobSeconds = 5;

type ServicePool = WorkerPool<ServerJobs, ServerWorkerData>;

export interface Service {
  readonly url: string;
  readonly readiness: Readonly<Readiness>;
  /**
   * Is not ready from now on; stops accepting after the notice, in seconds; lets running requests and what goes on behind
   * them end (for MNAS_DRAIN_SECONDS at most), then ends the workers. Says whether they ended: their jobs get a few seconds
   * more, and cannot be interrupted.
   */
  stop(notice?: number): Promise<boolean>;
}

/**
 * Starts everything and listens. Returns when the workers have answered; `/readyz` says 503 until they have compiled what
 * usual requests ask of them, too.
 * @throws KeyFileError, CheckpointSetupError, StorageSetupError, ListenError, a failure of the workers
 */
export async function startService(configuration: Configuration, logger: Logger): Promise<Service> {
  const keys = openKeys(configuration, logger);
  const checkpoints = await loadCheckpoints({
    bundled: bundledCheckpoints,
    added: configuration.MNAS_CHECKPOINTS,
    defaultId: configuration.MNAS_DEFAULT_CHECKPOINT,
  });
  if (checkpoints.length === 0) logger.warn('there is no checkpoint, so no task can be made');
  const metrics = new Metrics();
  const traces = await openTraces(configuration, logger);
  const observer = observed(metrics, traces);
  const storage = await openStorage(configuration, logger, observer);
  const memory = planMemory(configuration, logger);
  const pool = startPool(configuration, memory, checkpoints);
  const memoryWatch = new MemoryWatch(
    { bytes: configuration.MNAS_MEMORY_BYTES, release: () => pool.releaseKept() },
    logger,
  );
  watch(metrics, configuration, pool, memoryWatch, storage);
  let compiled = false;
  const readiness: Readiness = {
    get workersReady() {
      return compiled && pool.stats.alive > 0;
    },
    draining: false,
  };
  const background = new Background(logger);
  const app = createApp({
    adapter: createPoolAdapter(
      measuredPool(pool, observer),
      checkpoints,
      {
        exporter: exporterVersion,
        onnxruntime: onnxruntimeVersion,
        provider: configuration.MNAS_PROVIDER,
      },
      { ...poolUse(configuration, memory), traces, shortage: () => memoryWatch.shortage() },
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
      keys,
      requests: configuration.MNAS_RATE_LIMIT,
      windowSeconds: configuration.MNAS_RATE_SECONDS,
      proxies: configuration.MNAS_TRUST_PROXY,
      origins: configuration.MNAS_CORS_ORIGINS,
    },
    metrics,
    traces,
    logger,
  });
  const server = createHttpServer(app, {
    requestSeconds: longestArrival(configuration) + 10,
    keepAliveSeconds: configuration.MNAS_KEEP_ALIVE_SECONDS,
    connections: configuration.MNAS_CONNECTIONS,
  });
  try {
    await listen(server, configuration);
    await Promise.all([pool.ready(), pool.runOnAll('warm', undefined)]);
  } catch (error) {
    server.closeAllConnections();
    server.close();
    await pool.close();
    await storage.close();
    throw error;
  }
  const usual = checkpoints.find((checkpoint) => checkpoint.kind === 'images' && checkpoint.default);
  const compiling =
    usual?.kind === 'images'
      ? precompileAll(pool, configuration.MNAS_WORKERS, usual, readiness, logger)
      : Promise.resolve();
  void compiling.then(() => {
    memoryWatch.begin();
    compiled = true;
  });
  const stop = async (notice = 0) => {
    readiness.draining = true;
    await wait(notice * 1000);
    memoryWatch.end();
    const seconds = configuration.MNAS_DRAIN_SECONDS;
    const [end, last] = [elapsed(seconds), elapsed(seconds + jobSeconds)];
    await drain(server, seconds);
    // asked after it, since a request that ends while the service drains may have left work behind
    await Promise.race([background.idle(), end]);
    const ended = await Promise.race([pool.close().then(() => true), last.then(() => false)]);
    await storage.close();
    if (keys instanceof KeyFile) keys.close();
    await traces.close();
    return ended;
  };
  return { url: urlOf(server), readiness, stop };
}

/** Seconds until a body has arrived: it may wait for its place before anybody reads it. */
const longestArrival = ({ MNAS_UPLOAD_SECONDS, MNAS_REQUEST_SECONDS }: Configuration): number =>
  Math.max(MNAS_UPLOAD_SECONDS, MNAS_REQUEST_SECONDS);

/** How much work is taken on. A client may have half of the queue, beside what the workers do for it. */
const poolUse = (
  configuration: Configuration,
  { jobBytes }: MemoryPlan,
): Omit<PoolUse, 'traces' | 'shortage'> => ({
  workers: configuration.MNAS_WORKERS,
  waiting: configuration.MNAS_QUEUE,
  limits: {
    jobBytes,
    requestCost: configuration.MNAS_REQUEST_COST,
    clientCost: configuration.MNAS_CLIENT_COST,
    clientRequests: configuration.MNAS_WORKERS + Math.ceil(configuration.MNAS_QUEUE / 2),
  },
});

/** The keys that may use the service; undefined where everybody may. @throws KeyFileError */
function openKeys(
  { MNAS_API_KEYS: listed, MNAS_API_KEYS_FILE: path }: Configuration,
  logger: Logger,
): KeySource | undefined {
  if (path !== undefined) return new KeyFile(path, listed, logger);
  return listed.length > 0 ? fixedKeys(listed) : undefined;
}

/** What the memory of the workers is for; warns where it is little for so many. */
function planMemory(configuration: Configuration, logger: Logger): MemoryPlan {
  const workers = configuration.MNAS_WORKERS + configuration.MNAS_PREDICTION_WORKERS;
  const plan = memoryPlan(configuration.MNAS_MEMORY_BYTES, workers);
  if (plan.keptBytes < usuallyKept)
    logger.warn(
      { workers, needed: 2 * workers * usuallyKept },
      'MNAS_MEMORY_BYTES is little for so many workers: graphs will often be compiled again',
    );
  return plan;
}

function startPool(
  configuration: Configuration,
  { keptBytes }: MemoryPlan,
  checkpoints: readonly CheckpointFile[],
): ServicePool {
  return new WorkerPool<ServerJobs, ServerWorkerData>({
    workers: configuration.MNAS_WORKERS,
    urgentWorkers: configuration.MNAS_PREDICTION_WORKERS,
    queueLimit: configuration.MNAS_QUEUE,
    jobs: new URL('./workers/jobs.ts', import.meta.url),
    engine: {
      provider: configuration.MNAS_PROVIDER,
      threads: configuration.MNAS_THREADS,
      cacheSize: configuration.MNAS_SESSIONS,
      keptBytes,
      memoryPattern: false,
    },
    workerData: { checkpoints },
  });
}

/** Lets the metrics read what they are about. */
function watch(
  metrics: Metrics,
  { MNAS_PROVIDER: provider }: Configuration,
  pool: ServicePool,
  memory: MemoryWatch,
  storage: TaskStorage,
): void {
  metrics.describeBuild({ version, node: process.version, onnxruntime: onnxruntimeVersion, provider });
  metrics.watchProcess();
  metrics.watchPool(() => pool.stats);
  metrics.watchMemory(() => memory.stats);
  metrics.watchStorage(storage);
}

/** @throws ListenError */
async function listen(server: Server, { PORT, HOST }: Configuration): Promise<void> {
  try {
    server.listen(PORT, HOST);
    await once(server, 'listening');
  } catch (error) {
    throw new ListenError(`HOST, PORT: cannot listen there (${String(error)})`, { cause: error });
  }
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
