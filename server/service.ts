import { availableParallelism } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createApp } from './app.ts';
import { Background } from './concurrency/background.ts';
import type { Configuration } from './configuration.ts';
import { buildDocumentation } from './documentation/build.ts';
import { openFoundation } from './foundation.ts';
import type { Foundation, ThreadUse } from './foundation.ts';
import { createHttpServer } from './http/server.ts';
import { drain, elapsed, listen, urlOf } from './listening.ts';
import { buildPage } from './page/build.ts';
import type { Readiness } from './ports.ts';
import { makerOf } from './queue/maker.ts';
import type { OpenQueue } from './queue/open.ts';
import { decodeViews } from './upload/decode-views.ts';
import { readCheckpointFile } from './workers/load-checkpoints.ts';
import { readTrunkFile } from './workers/load-trunk.ts';

/** That jobs which nobody waits for get to end after MNAS_DRAIN_SECONDS. */
const jobSeconds = 5;
/** Jobs that may wait in a process whose adaptations wait in Redis: predictions. */
const waitingPredictions = 64;

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
 * @throws KeyFileError, CheckpointSetupError, StorageSetupError, QueueSetupError, ListenError, a failure of the workers
 */
export async function startService(configuration: Configuration, logger: Logger): Promise<Service> {
  const foundation = await openFoundation(configuration, logger, threadUse(configuration));
  const { checkpoints, keys, metrics, traces, storage, pool, memoryWatch } = foundation;
  const queue = await joinQueue(configuration, foundation, logger);
  let compiled = false;
  const readiness: Readiness = {
    get workersReady() {
      return compiled && pool.stats.alive > 0;
    },
    draining: false,
  };
  const background = new Background(logger);
  const app = createApp({
    adapter: { ...foundation.adapter, ...(queue && { waitFor: queue.waitFor }) },
    ...(queue && { workplace: queue.workplace }),
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
    await queue?.close();
    await storage.close();
    throw error;
  }
  // where workers elsewhere adapt, there is nothing to compile here
  void (queue ? Promise.resolve() : foundation.compile(readiness)).then(() => {
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
    // asked after it, since a request that ends while the service drains may have left work behind; in the queue it goes on
    if (!queue) await Promise.race([background.idle(), end]);
    const ended = await Promise.race([pool.close().then(() => true), last.then(() => false)]);
    await queue?.close();
    await foundation.close();
    return ended;
  };
  return { url: urlOf(server), readiness, stop };
}

/** Seconds until a body has arrived: it may wait for its place before anybody reads it. */
const longestArrival = ({ MNAS_UPLOAD_SECONDS, MNAS_REQUEST_SECONDS }: Configuration): number =>
  Math.max(MNAS_UPLOAD_SECONDS, MNAS_REQUEST_SECONDS);

/** How much work is taken on. A client may have half of the queue, beside what the workers do for it. */
function threadUse(configuration: Configuration): ThreadUse {
  const { MNAS_QUEUE: queue, MNAS_WORKERS: workers } = configuration;
  const waiting = queue.kind === 'here' ? queue.waiting : waitingPredictions;
  return {
    urgentWorkers: configuration.MNAS_PREDICTION_WORKERS,
    waiting,
    limits: {
      requestCost: configuration.MNAS_REQUEST_COST,
      clientCost: configuration.MNAS_CLIENT_COST,
      clientRequests: workers + Math.ceil(waiting / 2),
    },
  };
}

/** The queue that replicas share, where the configuration names one; its client is loaded only then. @throws QueueSetupError */
async function joinQueue(
  configuration: Configuration,
  { checkpoints, adapter, keys, metrics, traces, memory, storage }: Foundation,
  logger: Logger,
): Promise<OpenQueue | undefined> {
  const { MNAS_QUEUE: place } = configuration;
  if (place.kind === 'here') return undefined;
  const { openQueue } = await import('./queue/open.ts');
  const queue = await openQueue({
    url: place.url,
    checkpoints,
    maker: makerOf(adapter.toolchain, checkpoints),
    lanes: configuration.MNAS_WORKERS,
    limits: {
      waiting: configuration.MNAS_QUEUE_JOBS,
      requestCost: configuration.MNAS_REQUEST_COST,
      clientCost: configuration.MNAS_CLIENT_COST,
      jobBytes: memory.jobBytes,
    },
    owned: keys !== undefined,
    storage,
    traces,
    logger,
  });
  metrics.watchQueue(queue.stats);
  return queue;
}
