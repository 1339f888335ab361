import type { RequestHandler } from 'express';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { PoolStats } from '../engine/pool-options.ts';
import { catalogue } from './errors/error-catalogue.ts';
import { whenOver } from './http/client.ts';
import { codeAnswered, routeOf } from './http/requests.ts';
import type { StorageObserver } from './storage/measured.ts';
import type { TaskRecord } from './storage/record.ts';
import type { TaskStorage } from './storage/storage.ts';

/** Seconds: from a prediction of a small photo to an adaptation that compiles. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
/** Seconds: from an answer of memory to a store that does not answer. */
const storageBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 10];

/** When a worker began with work, where one did, and when it ended, by `performance.now()`. */
interface WorkTimes {
  readonly startedAt?: number | undefined;
  readonly endedAt: number;
}

/** What is read of the queue that replicas share. */
export type SharedQueueStats = Readonly<Record<'waiting' | 'delayed' | 'active' | 'age' | 'lanes', number>>;

/** What Prometheus reads at `/metrics`; docs/operation.md lists the same names, a test compares them. */
export class Metrics implements StorageObserver {
  readonly registry = new Registry();
  readonly #requests = new Histogram({
    name: 'mnas_http_request_duration_seconds',
    help: 'From the head of a request to the end of its answer; a request whose client hung up has the status 499',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: buckets,
    registers: [this.registry],
  });
  readonly #open = new Gauge({
    name: 'mnas_http_requests_in_flight',
    help: 'Requests that are not answered yet',
    registers: [this.registry],
  });
  readonly #refusals = new Counter({
    name: 'mnas_refusals_total',
    help: 'Answers that are errors, by their code',
    labelNames: ['code'] as const,
    registers: [this.registry],
  });
  readonly #stages = new Histogram({
    name: 'mnas_task_stage_seconds',
    help: 'Stages of making a task; `total` is all of them',
    labelNames: ['kind', 'stage'] as const,
    buckets: buckets,
    registers: [this.registry],
  });
  readonly #waits = new Histogram({
    name: 'mnas_queue_wait_seconds',
    help: 'From the asking for a job to its beginning in a worker',
    labelNames: ['work'] as const,
    buckets: buckets,
    registers: [this.registry],
  });
  readonly #jobs = new Histogram({
    name: 'mnas_job_duration_seconds',
    help: 'From the beginning of a job in a worker to its end, or until nobody waits for it any more',
    labelNames: ['work', 'outcome'] as const,
    buckets: buckets,
    registers: [this.registry],
  });
  readonly #operations = new Histogram({
    name: 'mnas_storage_operation_seconds',
    help: 'Operations of the storage behind the cache',
    labelNames: ['operation', 'outcome'] as const,
    buckets: storageBuckets,
    registers: [this.registry],
  });
  readonly #reads = new Counter({
    name: 'mnas_cache_reads_total',
    help: 'Reads of tasks, by whether memory answered them',
    labelNames: ['outcome'] as const,
    registers: [this.registry],
  });

  constructor() {
    // a first error is a rise from 0 only where the 0 was there
    for (const code of Object.keys(catalogue)) this.#refusals.inc({ code }, 0);
  }

  /** Measures every request by the pattern of its route, so that no id becomes a label. */
  readonly middleware: RequestHandler = (request, response, next) => {
    const startedAt = performance.now();
    this.#open.inc();
    whenOver(request, response, () => {
      this.#open.dec();
      const status = response.writableFinished ? response.statusCode : 499;
      this.#requests.observe(
        { method: request.method, route: routeOf(request) ?? 'other', status },
        (performance.now() - startedAt) / 1000,
      );
      const code = codeAnswered(response);
      if (code !== undefined) this.#refusals.inc({ code });
    });
    next();
  };

  /** Counts a task that was made. */
  observeTask({ kind, timings }: TaskRecord): void {
    for (const [stage, ms] of Object.entries(timings)) this.#stages.observe({ kind, stage }, ms / 1000);
  }

  // the label is not `job`, which Prometheus has for what it scrapes

  /** A worker has begun with a job. */
  readonly onJobStarted = (work: string, seconds: number): void => this.#waits.observe({ work }, seconds);

  /** A job has ended; counted where a worker had begun it. */
  readonly onJobEnded = (work: string, outcome: string, { startedAt, endedAt }: WorkTimes): void => {
    if (startedAt !== undefined) this.#jobs.observe({ work, outcome }, (endedAt - startedAt) / 1000);
  };

  readonly onOperation: StorageObserver['onOperation'] = (operation, outcome, seconds) =>
    this.#operations.observe({ operation, outcome }, seconds);

  readonly onRead: StorageObserver['onRead'] = (hit) => this.#reads.inc({ outcome: hit ? 'hit' : 'miss' });

  /** Reads the pool whenever the metrics are read. */
  watchPool(read: () => PoolStats): void {
    const gauge = (name: string, help: string, key: keyof PoolStats) =>
      this.#watch(name, help, () => read()[key]);
    const counter = (name: string, help: string, key: keyof PoolStats) =>
      this.#count(name, help, () => read()[key]);
    gauge('mnas_workers', 'Worker threads', 'workers');
    gauge('mnas_workers_alive', 'Worker threads that can take a job', 'alive');
    gauge('mnas_workers_busy', 'Worker threads that run a job', 'busy');
    gauge('mnas_queue_jobs', 'Jobs that wait for a worker', 'waiting');
    counter('mnas_jobs_completed_total', 'Jobs that ended well', 'completed');
    counter('mnas_jobs_failed_total', 'Jobs that failed', 'failed');
    counter('mnas_jobs_stopped_total', 'Jobs that were given up while they ran', 'stopped');
    counter('mnas_workers_replaced_total', 'Worker threads whose job did not stop in time', 'replaced');
    counter('mnas_worker_crashes_total', 'Worker threads that ended unasked', 'crashes');
    gauge('mnas_sessions', 'Compiled graphs in the caches of the workers', 'sessions');
    gauge('mnas_session_bytes', 'Bytes that these take, as estimated', 'sessionBytes');
  }

  /** Looks at the memory of the process whenever the metrics are read. */
  watchMemory(read: () => Readonly<Record<'held' | 'limit' | 'releases', number>>): void {
    this.#watch('mnas_memory_held_bytes', 'Resident memory without bodies and tasks', () => read().held);
    this.#watch(
      'mnas_memory_limit_bytes',
      'That this may be; 0 until the service is ready',
      () => read().limit,
    );
    this.#count(
      'mnas_memory_releases_total',
      'How often kept graphs were released since it was more',
      () => read().releases,
    );
  }

  /** Asks the storage whenever the metrics are read. */
  watchStorage({ state, stats }: Pick<TaskStorage, 'state' | 'stats'>): void {
    const works = (name: string, help: string, key: 'readable' | 'writable') =>
      this.#watch(name, help, async () => Number((await state())[key]));
    works('mnas_storage_readable', 'Whether tasks can be read: 1 or 0', 'readable');
    works('mnas_storage_writable', 'Whether tasks can be kept: 1 or 0', 'writable');
    this.#count(
      'mnas_storage_losses_total',
      'How often all tasks were found to be gone at once',
      async () => (await state()).losses,
    );
    if (!stats) return;
    this.#watch('mnas_stored_tasks', 'Tasks in storage', () => stats().tasks);
    this.#watch('mnas_stored_bytes', 'Bytes of the tasks in storage', () => stats().bytes);
    this.#count('mnas_evicted_tasks_total', 'Tasks removed by the limits of storage', () => stats().evicted);
  }

  /** Asks the queue that replicas share whenever the metrics are read; while it cannot be asked its figures are absent. */
  watchQueue(read: () => Promise<SharedQueueStats>): void {
    const figure = (name: string, help: string, key: keyof SharedQueueStats) =>
      this.#watch(name, help, () =>
        read().then(
          (stats) => stats[key],
          () => NaN,
        ),
      );
    figure('mnas_shared_queue_waiting', 'Jobs of all replicas that no worker has begun with', 'waiting');
    figure('mnas_shared_queue_delayed', 'Jobs of all replicas that wait for another try', 'delayed');
    figure('mnas_shared_queue_active', 'Jobs of all replicas that a worker has', 'active');
    figure('mnas_shared_queue_age_seconds', 'How long the oldest of those that wait has waited', 'age');
    figure('mnas_shared_queue_lanes', 'Jobs that the live workers can do at a time', 'lanes');
  }

  /** What runs here, as labels of a figure that is always 1. */
  describeBuild(labels: Readonly<Record<'version' | 'node' | 'onnxruntime' | 'provider', string>>): void {
    new Gauge({
      name: 'mnas_build_info',
      help: 'What runs here',
      labelNames: Object.keys(labels),
      registers: [this.registry],
    }).set(labels, 1);
  }

  /** CPU, memory, garbage collection and the delay of the event loop: once a process. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  #watch(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      async collect() {
        this.set(await read());
      },
    });
  }

  /** A figure that only grows, and that somebody else counts. */
  #count(name: string, help: string, read: () => number | Promise<number>): void {
    new Counter({
      name,
      help,
      registers: [this.registry],
      async collect() {
        const value = await read();
        this.reset();
        this.inc(value);
      },
    });
  }
}
