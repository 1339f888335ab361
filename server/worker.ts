import { setTimeout as wait } from 'node:timers/promises';
import express from 'express';
import type { Logger } from 'pino';
import { guard } from './access/access.ts';
import { ConfigurationError } from './configuration.ts';
import type { Configuration } from './configuration.ts';
import { ServiceError } from './errors/errors.ts';
import { openFoundation } from './foundation.ts';
import { problemHandler, requestLog } from './http/requests.ts';
import { createHttpServer } from './http/server.ts';
import { drain, listen, urlOf } from './listening.ts';
import type { Readiness } from './ports.ts';
import { makerOf } from './queue/maker.ts';
import { operationRoutes } from './routes/operation.ts';
import type { Service } from './service.ts';
import { workplaceHere } from './tasks/fulfil.ts';

/** Of a probe or a scrape. */
const requestSeconds = 10;
/** What the queue admits is not refused here. */
const admitted = { requestCost: Infinity, clientCost: Infinity, clientRequests: Infinity };

/**
 * Starts a process that does the work of a queue, for all replicas: it takes jobs once its threads have compiled what usual
 * ones need. It answers probes and metrics alone. When it stops it lets jobs end for MNAS_DRAIN_SECONDS; the others go back.
 * @throws ConfigurationError without a queue in Redis, and as `startService` does
 */
export async function startWorker(configuration: Configuration, logger: Logger): Promise<Service> {
  const { MNAS_QUEUE: place, MNAS_WORKERS: lanes } = configuration;
  if (place.kind === 'here')
    throw new ConfigurationError('MNAS_QUEUE: a worker needs the queue that it is to work at, redis://…');
  const foundation = await openFoundation(configuration, logger, {
    urgentWorkers: 0,
    waiting: Infinity,
    limits: admitted,
  });
  const { checkpoints, adapter, metrics, traces, storage, pool, memoryWatch } = foundation;
  let taking = false;
  const readiness: Readiness = {
    get workersReady() {
      return taking && pool.stats.alive > 0;
    },
    draining: false,
  };
  const app = express();
  app.disable('x-powered-by');
  app.use(requestLog(logger));
  app.use(metrics.middleware);
  guard(app, { keys: foundation.keys, requests: 0, windowSeconds: 1, proxies: 0, origins: [] });
  operationRoutes(app, { adapter, readiness, storage, metrics });
  app.use((request) => {
    throw new ServiceError('not-found', { detail: `There is nothing at ${request.path} of a worker.` });
  });
  app.use(problemHandler(logger));
  const server = createHttpServer(app, {
    requestSeconds: requestSeconds,
    keepAliveSeconds: configuration.MNAS_KEEP_ALIVE_SECONDS,
    connections: configuration.MNAS_CONNECTIONS,
  });
  const give = async () => {
    server.closeAllConnections();
    server.close();
    await pool.close();
    await foundation.close();
  };
  try {
    await listen(server, configuration);
    await Promise.all([pool.ready(), pool.runOnAll('warm', undefined)]);
  } catch (error) {
    await give();
    throw error;
  }
  const { QueueWorker } = await import('./queue/worker.ts');
  await foundation.compile(readiness);
  memoryWatch.begin();
  const worker = new QueueWorker({
    url: place.url,
    lanes,
    workplace: workplaceHere(adapter),
    storage,
    maker: makerOf(adapter.toolchain, checkpoints),
    onMade: (record) => metrics.observeTask(record),
    traces,
    logger,
  });
  taking = true;
  const stop = async (notice = 0) => {
    readiness.draining = true;
    memoryWatch.end();
    await Promise.all([wait(notice * 1000), worker.close(configuration.MNAS_DRAIN_SECONDS)]);
    await drain(server, 1);
    await pool.close();
    await foundation.close();
    return true;
  };
  return { url: urlOf(server), readiness, stop };
}
