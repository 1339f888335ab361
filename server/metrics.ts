import type { RequestHandler } from 'express';
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { PoolStats } from '../engine/pool-options.ts';
import { whenOver } from './http/client.ts';
import type { TaskRecord } from './storage/record.ts';
import type { StorageStats } from './storage/storage.ts';

/** Seconds: from a prediction of a small photo to an adaptation that compiles. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What Prometheus reads at `/metrics`; docs/operation.md lists the same names, a test compares them. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests = new Histogram({
    name: 'mnas_http_request_duration_seconds',
    help: 'From the head of a request to the end of its answer; a request whose client hung up has the status 499',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: BUCKETS,
    registers: [this.registry],
  });
  readonly #open = new Gauge({
    name: 'mnas_http_requests_in_flight',
    help: 'Requests that are not answered yet',
    registers: [this.registry],
  });
  readonly #stages = new Histogram({
    name: 'mnas_task_stage_seconds',
    help: 'Stages of making a task; `total` is all of them',
    labelNames: ['kind', 'stage'] as const,
    buckets: BUCKETS,
    registers: [this.registry],
  });

  /** Measures every request by the pattern of its route, so that no id becomes a label. */
  readonly middleware: RequestHandler = (request, response, next) => {
    const startedAt = performance.now();
    this.#open.inc();
    whenOver(request, response, () => {
      this.#open.dec();
      const route = request.route as { readonly path: string } | undefined;
      const status = response.writableFinished ? response.statusCode : 499;
      this.#requests.observe(
        { method: request.method, route: route?.path ?? 'other', status },
        (performance.now() - startedAt) / 1000,
      );
    });
    next();
  };

  /** Counts a task that was made. */
  observeTask({ kind, timings }: TaskRecord): void {
    for (const [stage, ms] of Object.entries(timings)) this.#stages.observe({ kind, stage }, ms / 1000);
  }

  /** Reads the pool whenever the metrics are read. */
  watchPool(read: () => PoolStats): void {
    const figures: readonly (readonly [string, string, keyof PoolStats])[] = [
      ['mnas_workers', 'Worker threads', 'workers'],
      ['mnas_workers_alive', 'Worker threads that can take a job', 'alive'],
      ['mnas_workers_busy', 'Worker threads that run a job', 'busy'],
      ['mnas_queue_jobs', 'Jobs that wait for a worker', 'waiting'],
      ['mnas_jobs_completed', 'Jobs that ended well, since the start', 'completed'],
      ['mnas_jobs_failed', 'Jobs that failed, since the start', 'failed'],
      ['mnas_jobs_stopped', 'Jobs that were given up while they ran, since the start', 'stopped'],
      ['mnas_workers_replaced', 'Worker threads whose job did not stop in time, since the start', 'replaced'],
      ['mnas_worker_crashes', 'Worker threads that ended unasked, since the start', 'crashes'],
      ['mnas_sessions', 'Compiled graphs in the caches of the workers', 'sessions'],
    ];
    for (const [name, help, key] of figures) this.#watch(name, help, () => read()[key]);
  }

  /** Reads what storage knows of itself whenever the metrics are read. */
  watchStorage(read: () => StorageStats): void {
    this.#watch('mnas_stored_tasks', 'Tasks in storage', () => read().tasks);
    this.#watch('mnas_stored_bytes', 'Bytes of the tasks in storage', () => read().bytes);
    this.#watch(
      'mnas_evicted_tasks',
      'Tasks removed by the limits of storage, since the start',
      () => read().evicted,
    );
  }

  /** CPU, memory, garbage collection and the delay of the event loop: once a process. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.registry });
  }

  #watch(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read());
      },
    });
  }
}
