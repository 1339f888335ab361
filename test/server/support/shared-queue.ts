import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import type { Express } from 'express';
import { createApp } from '../../../server/app.ts';
import { Background } from '../../../server/concurrency/background.ts';
import { Metrics } from '../../../server/metrics.ts';
import { makerOf } from '../../../server/queue/maker.ts';
import { openQueue } from '../../../server/queue/open.ts';
import type { OpenQueue } from '../../../server/queue/open.ts';
import type { SharedLimits } from '../../../server/queue/shared-backlog.ts';
import { QueueWorker } from '../../../server/queue/worker.ts';
import { unavailableWhenFailing } from '../../../server/storage/faults.ts';
import { openRedis } from '../../../server/storage/redis.ts';
import { openSharedStorage } from '../../../server/storage/shared.ts';
import type { TaskStorage } from '../../../server/storage/storage.ts';
import { workplaceHere } from '../../../server/tasks/fulfil.ts';
import { noTraces } from '../../../server/tracing/traces.ts';
import type { Traces } from '../../../server/tracing/traces.ts';
import { decodeImage } from '../../../images/decode.ts';
import { createFakeAdapter } from './adapter.ts';
import type { FakeAdapter } from './adapter.ts';
import { beside, limits, open } from './defaults.ts';

const logger = pino({ level: process.env['TEST_LOG'] ?? 'silent' });

export const shared: SharedLimits = {
  waiting: 100,
  requestCost: Infinity,
  clientCost: Infinity,
  jobBytes: Infinity,
};

async function sharedStorage(url: string): Promise<TaskStorage> {
  const store = openRedis(`${url}/1`, logger);
  const storage = await openSharedStorage(store, { days: 0, seconds: 10 }, logger);
  onTestFinished(() => storage.close());
  return unavailableWhenFailing(storage, logger);
}

/** The real app over a queue and storage in Redis, as one of several replicas. Its adapter predicts. */
export async function replica(
  url: string,
  own: Partial<SharedLimits> = {},
  traces: Traces = noTraces,
): Promise<{ readonly app: Express; readonly queue: OpenQueue; readonly storage: TaskStorage }> {
  const adapter = createFakeAdapter();
  const storage = await sharedStorage(url);
  const queue = await openQueue({
    url,
    checkpoints: adapter.checkpoints,
    maker: makerOf(adapter.toolchain, adapter.checkpoints),
    lanes: 1,
    limits: { ...shared, ...own },
    owned: false,
    storage,
    traces,
    logger,
  });
  onTestFinished(() => queue.close());
  const app = createApp({
    adapter: { ...adapter, waitFor: queue.waitFor },
    workplace: queue.workplace,
    storage,
    decodeImage: (bytes, size) => decodeImage(bytes, size, { maxPixels: 1_000_000 }),
    ...beside,
    traces,
    background: new Background(logger),
    readiness: { workersReady: true, draining: false },
    limits,
    access: open,
    metrics: new Metrics(),
    logger,
  });
  return { app, queue, storage };
}

export interface TestWorker {
  readonly worker: QueueWorker;
  readonly adapter: FakeAdapter;
}

export interface TestWorkerPlan {
  readonly lanes?: number;
  /** what stands in front of its storage */
  readonly around?: (storage: TaskStorage) => Pick<TaskStorage, 'read' | 'write'>;
  /** another version's where given */
  readonly maker?: string;
  readonly adapter?: FakeAdapter;
  readonly traces?: Traces;
}

/** A worker of the queue in this process, over the fake adapter. */
export async function queueWorker(
  url: string,
  {
    lanes = 1,
    around = (storage) => storage,
    maker,
    adapter = createFakeAdapter(),
    traces = noTraces,
  }: TestWorkerPlan = {},
): Promise<TestWorker> {
  const worker = new QueueWorker({
    url,
    lanes,
    workplace: workplaceHere(adapter),
    storage: around(await sharedStorage(url)),
    maker: maker ?? makerOf(adapter.toolchain, adapter.checkpoints),
    onMade: () => undefined,
    traces,
    logger,
  });
  onTestFinished(() => worker.close(0));
  return { worker, adapter };
}
