import request from 'supertest';
import { SpanKind } from '@opentelemetry/api';
import { pino } from 'pino';
import { describe, expect, test, vi } from 'vitest';
import { hasRedis } from '../../../bench/serve/redis.ts';
import { parseConfiguration } from '../../../server/configuration.ts';
import { Metrics } from '../../../server/metrics.ts';
import { observed } from '../../../server/observed.ts';
import { startService } from '../../../server/service.ts';
import type { TaskStorage } from '../../../server/storage/storage.ts';
import { noted } from '../../../server/tracing/traces.ts';
import type { Traces } from '../../../server/tracing/traces.ts';
import { startWorker } from '../../../server/worker.ts';
import { measuredPool } from '../../../server/workers/measured-pool.ts';
import { createFakeAdapter, everyKind, holdAdaptation } from '../support/adapter.ts';
import { ownCollector } from '../support/collector.ts';
import { idsOf, ownTraces } from '../support/own-traces.ts';
import { ownRedis } from '../support/own-redis.ts';
import { support } from '../support/regression.ts';
import { queueWorker, replica } from '../support/shared-queue.ts';
import { smallDefault } from '../support/small-default.ts';

const callersTrace = '0af7651916cd43dd8448eb211c80319c';
const traceparent = `00-${callersTrace}-b7ad6b7169203331-01`;

/** A worker process whose spans stay in memory, as `foundation.ts` has its parts tell. */
async function tracedWorker(url: string) {
  const own = ownTraces();
  const { traces } = own;
  const observer = observed(new Metrics(), traces);
  const adapter = createFakeAdapter(everyKind, (pool) => measuredPool(pool, observer));
  const { worker } = await queueWorker(url, {
    adapter,
    traces,
    around: (storage) => ({ read: telling(traces, storage).read, write: telling(traces, storage).write }),
  });
  return { ...own, adapter, worker };
}

const telling = (traces: Traces, storage: TaskStorage) => ({
  read: noted(traces, 'storage read', (id: string, signal?: AbortSignal) => storage.read(id, signal)),
  write: noted(traces, 'storage write', (task: Parameters<TaskStorage['write']>[0]) => storage.write(task)),
});

if (!hasRedis) console.warn('redis-server is not there: traces across the queue are not tested');

describe.skipIf(!hasRedis)('a trace across a queue in Redis (needs redis-server)', () => {
  const redis = ownRedis();

  test("has the worker's spans as children of the request's, of a task and of an evaluation", async () => {
    const here = ownTraces();
    const there = await tracedWorker(redis.url);
    const { app } = await replica(redis.url, {}, here.traces);
    const made = await request(app)
      .post('/v1/tasks')
      .set('traceparent', traceparent)
      .set('tracestate', 'vendor=some')
      .send({ support });
    expect(made.status).toBe(201);
    await vi.waitFor(() => expect(here.named('POST /v1/tasks')).toBeDefined());
    await vi.waitFor(() => expect(there.named('job regression')).toBeDefined());
    const root = here.named('POST /v1/tasks')!;
    const job = there.named('job regression')!;
    const inside = (parent: string) => ({ trace: callersTrace, parent });
    expect([idsOf(job), job.kind]).toEqual([inside(root.spanContext().spanId), SpanKind.CONSUMER]);
    expect(job.spanContext().traceState?.serialize()).toBe('vendor=some');
    expect(idsOf(there.named('wait for a worker')!)).toEqual(inside(root.spanContext().spanId));
    for (const name of ['queue adaptRegression', 'worker adaptRegression', 'storage write'])
      expect([name, idsOf(there.named(name)!)]).toEqual([name, inside(job.spanContext().spanId)]);
    const told = there.spans().map(({ attributes }) => Object.keys(attributes));
    expect(told).toEqual(told.map(() => ['mnas.outcome'])); // nothing that a client has sent

    const { id } = made.body as { id: string };
    const evaluated = await request(app).post(`/v1/tasks/${id}/evaluations`).send({ query: support });
    expect(evaluated.status).toBe(200);
    await vi.waitFor(() => expect(here.named('POST /v1/tasks/:id/evaluations')).toBeDefined());
    await vi.waitFor(() => expect(there.named('job points-evaluation')).toBeDefined());
    const { traceId, spanId } = here.named('POST /v1/tasks/:id/evaluations')!.spanContext();
    expect(traceId).not.toBe(callersTrace);
    expect(idsOf(there.named('job points-evaluation')!)).toEqual({ trace: traceId, parent: spanId });
  });

  test('goes on after the request has its answer; of a job that two workers begin each has a span', async () => {
    const here = ownTraces();
    const first = await tracedWorker(redis.url);
    const { started } = holdAdaptation(first.adapter);
    const { app } = await replica(redis.url, {}, here.traces);
    const taken = await request(app)
      .post('/v1/tasks')
      .set('traceparent', traceparent)
      .set('Prefer', 'respond-async')
      .send({ support });
    expect(taken.status).toBe(202);
    await started;
    await vi.waitFor(() => expect(here.named('POST /v1/tasks')).toBeDefined());
    const closed = first.worker.close(0);
    const next = await tracedWorker(redis.url);
    await closed;
    await vi.waitFor(() => expect(next.named('job regression')).toBeDefined(), 10_000);
    const parent = here.named('POST /v1/tasks')!.spanContext().spanId;
    const [given, done] = [first, next].map(({ named }) => named('job regression')!);
    expect([given, done].map((span) => idsOf(span!))).toEqual(Array(2).fill({ trace: callersTrace, parent }));
    expect([given, done].map((span) => span!.attributes['mnas.outcome'])).toEqual(['given-up', 'done']);
    expect(given!.status.code).toBe(0);
    expect(next.named('wait for a worker')).toBeUndefined(); // it was waited for once
  });

  test(
    'is sent by the whole service and by its worker, each what it has done',
    { timeout: 240_000, tags: ['whole'] },
    async () => {
      const collector = await ownCollector();
      const configuration = parseConfiguration({
        PORT: '0',
        MNAS_WORKERS: '1',
        MNAS_PREDICTION_WORKERS: '0',
        MNAS_QUEUE: redis.url,
        MNAS_STORAGE: `${redis.url}/1`,
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        ...(await smallDefault()),
      });
      const logger = pino({ level: 'silent' });
      const service = await startService(configuration, logger);
      const worker = await startWorker(configuration, logger);
      const post = async (path: string, body: unknown) => {
        const headers = { 'Content-Type': 'application/json', traceparent };
        const answer = await fetch(`${service.url}${path}`, {
          method: 'POST',
          headers,
          body: JSON.stringify(body),
        });
        expect(answer.ok).toBe(true);
        return (await answer.json()) as { readonly id: string };
      };
      const { id } = await post('/v1/tasks', { support });
      await post(`/v1/tasks/${id}/evaluations`, { query: support });
      await Promise.all([service.stop(), worker.stop()]); // they send what is left
      const { spans } = collector;
      const only = (name: string) => {
        const found = spans.filter((span) => span.name === name);
        expect([name, found.map(({ traceId }) => traceId)]).toEqual([name, [callersTrace]]);
        return found[0]!;
      };
      const inside = ({ spanId }: { readonly spanId: string }) =>
        spans.filter(({ parentSpanId }) => parentSpanId === spanId).map(({ name }) => name);
      for (const [route, job] of [
        ['POST /v1/tasks', 'job regression'],
        ['POST /v1/tasks/:id/evaluations', 'job points-evaluation'],
      ] as const)
        expect(inside(only(route))).toEqual(expect.arrayContaining([job, 'wait for a worker']));
      expect(inside(only('job regression'))).toEqual(
        expect.arrayContaining(['queue adaptRegression', 'worker adaptRegression', 'storage write']),
      );
      expect(inside(only('job points-evaluation'))).toEqual(
        expect.arrayContaining(['queue predictRegression', 'worker predictRegression']),
      );
    },
  );

  test('is none where the replica does not trace: the worker begins one of its own', async () => {
    const there = await tracedWorker(redis.url);
    const { app } = await replica(redis.url);
    const asked = request(app).post('/v1/tasks').set('traceparent', traceparent).send({ support });
    expect((await asked).status).toBe(201);
    await vi.waitFor(() => expect(there.named('job regression')).toBeDefined());
    const { trace, parent } = idsOf(there.named('job regression')!);
    expect([parent, trace === callersTrace]).toEqual([undefined, false]);
  });
});
