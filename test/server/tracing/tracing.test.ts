import { readdirSync, readFileSync } from 'node:fs';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { pino } from 'pino';
import request from 'supertest';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { Metrics } from '../../../server/metrics.ts';
import { observed } from '../../../server/observed.ts';
import { openStorage } from '../../../server/storage/open.ts';
import { parseConfiguration } from '../../../server/configuration.ts';
import { openTraces } from '../../../server/tracing/open.ts';
import { isTraced, TracesSetupError } from '../../../server/tracing/setting.ts';
import { noted, noTraces } from '../../../server/tracing/traces.ts';
import { ownCollector } from '../support/collector.ts';
import { harness } from '../support/harness.ts';
import { startObjectStore } from '../support/object-store.ts';
import { idsOf, ownTraces } from '../support/own-traces.ts';
import { ownService } from '../support/own-service.ts';
import { smallDefault } from '../support/small-default.ts';
import { support as points } from '../support/regression.ts';
import { storedTask } from '../support/stored-task.ts';
import { shades, support, taskOf } from '../support/tasks.ts';

const callersTrace = '0af7651916cd43dd8448eb211c80319c';
const caller = 'b7ad6b7169203331';
const traceparent = `00-${callersTrace}-${caller}-01`;

const logger = pino({ level: 'silent' });

describe('whether requests are traced', () => {
  test('is said by the variables of OpenTelemetry; by default they are not', async () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    expect(isTraced({})).toBe(false);
    expect(isTraced(endpoint)).toBe(true);
    expect(isTraced({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector/traces' })).toBe(true);
    expect(isTraced({ OTEL_TRACES_EXPORTER: 'otlp' })).toBe(true);
    expect(isTraced({ ...endpoint, OTEL_TRACES_EXPORTER: 'none' })).toBe(false);
    expect(isTraced({ ...endpoint, OTEL_SDK_DISABLED: 'TRUE' })).toBe(false);
    expect(await openTraces({}, logger)).toBe(noTraces);
  });

  test('what there is no exporter for is refused at the start, by the name of its variable', () => {
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
    const grpc = { ...endpoint, OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' };
    expect(() => isTraced(grpc)).toThrow('OTEL_EXPORTER_OTLP_PROTOCOL: ');
    expect(isTraced({ ...grpc, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/protobuf' })).toBe(true);
    expect(() => isTraced({ OTEL_TRACES_EXPORTER: 'zipkin' })).toThrow(TracesSetupError);
    expect(isTraced({ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' })).toBe(false); // of other programs
  });

  test('decides whether OpenTelemetry is loaded: one file names it, and is imported only when it is on', () => {
    const server = new URL('../../../server/', import.meta.url);
    const files = readdirSync(server, { recursive: true, encoding: 'utf8' }).filter((file) =>
      file.endsWith('.ts'),
    );
    const naming = (pattern: RegExp) =>
      files.filter((file) => pattern.test(readFileSync(new URL(file, server), 'utf8')));
    expect(naming(/'@opentelemetry\//)).toEqual(['tracing/spans.ts']);
    expect(naming(/from '.*\/spans\.ts'/)).toEqual([]);
    expect(naming(/import\('\.\/spans\.ts'\)/)).toEqual(['tracing/open.ts']);
  });
});

describe('a trace', () => {
  test('continues that of the caller, and has what the request has waited for and done', async () => {
    const { traces, named, spans } = ownTraces();
    const { app } = await harness({ replace: { traces } });
    const answer = await request(app)
      .post('/v1/tasks')
      .set('traceparent', traceparent)
      .send({ support: points });
    expect(answer.status).toBe(201);
    await vi.waitFor(() => expect(named('POST /v1/tasks')).toBeDefined());
    const root = named('POST /v1/tasks')!;
    expect(idsOf(root)).toEqual({ trace: callersTrace, parent: caller });
    expect(root.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/v1/tasks',
      'http.response.status_code': 201,
    });
    const place = named('wait for a place')!;
    expect(idsOf(place)).toEqual({ trace: callersTrace, parent: root.spanContext().spanId });
    expect(spans().length).toBeGreaterThan(1);
    for (const { startTime, endTime } of spans()) {
      const [from, to] = [startTime, endTime].map(([seconds, nanoseconds]) => seconds + nanoseconds / 1e9);
      const [begun, ended] = [root.startTime, root.endTime].map(([s, ns]) => s + ns / 1e9);
      expect(from).toBeGreaterThanOrEqual(begun! - 1e-6);
      expect(to).toBeLessThanOrEqual(ended! + 1e-6);
      expect(to).toBeGreaterThanOrEqual(from!);
    }
  });

  test('of a request without a caller is its own; the line of the log names it', async () => {
    const { traces, named } = ownTraces();
    const { app, log } = await harness({ replace: { traces } });
    await request(app).get('/v1/checkpoints').expect(200);
    await vi.waitFor(() => expect(named('GET /v1/checkpoints')).toBeDefined());
    const { trace, parent } = idsOf(named('GET /v1/checkpoints')!);
    expect(parent).toBeUndefined();
    expect(log.find(({ msg }) => msg === 'request')).toMatchObject({ traceId: trace });
  });

  test('has nothing that a client has sent', async () => {
    const { traces, spans } = ownTraces();
    const secret = 'very-secret';
    const parts = [
      { name: secret, file: `${secret}.png`, content: shades.red[0] },
      { name: `${secret}2`, file: `${secret}.png`, content: shades.blue[0] },
    ];
    const { app, post } = await harness({ replace: { traces } });
    const made = await post('/v1/tasks', parts);
    const { id } = taskOf(made);
    await request(app)
      .get(`/v1/tasks/${id}?${secret}=1`)
      .set('User-Agent', secret)
      .set('X-Request-Id', secret)
      .set('Authorization', `Bearer ${secret}`)
      .set('baggage', `a=${secret}`)
      .set('X-Forwarded-For', '203.0.113.7');
    await request(app).get(`/${secret}`).expect(404);
    await vi.waitFor(() => expect(spans().map(({ name }) => name)).toContain('GET'));
    const told = spans().map(({ name, attributes, events, status }) => ({
      name,
      attributes,
      events,
      status,
    }));
    expect(JSON.stringify(told)).not.toMatch(new RegExp(`${secret}|${id}|203\\.0\\.113|127\\.0\\.0`));
    expect(spans().map(({ name }) => name)).toContain('decode images');
    const keys = new Set(told.flatMap(({ attributes }) => Object.keys(attributes)));
    expect([...keys].sort()).toEqual([
      'error.type',
      'http.request.method',
      'http.response.status_code',
      'http.route',
      'mnas.outcome',
    ]);
  });

  test('tells a fault of the service from one of the client; probes have none', async () => {
    const { traces, spans, named } = ownTraces();
    const { app, adapter, post } = await harness({ replace: { traces } });
    adapter.beforeAdapt = () => Promise.reject(new Error('broken'));
    await post('/v1/tasks', support).expect(500);
    await request(app).get('/v1/tasks/none').expect(404);
    await request(app).get('/healthz').expect(200);
    await vi.waitFor(() => expect(named('GET /v1/tasks/:id')).toBeDefined());
    expect(named('POST /v1/tasks')).toMatchObject({
      status: { code: 2 },
      attributes: { 'error.type': 'internal' },
    });
    expect(named('GET /v1/tasks/:id')).toMatchObject({
      status: { code: 0 },
      attributes: { 'error.type': 'unknown-task' },
    });
    expect(spans().filter(({ name }) => name.includes('healthz'))).toEqual([]);
  });

  test('goes on to a store that speaks HTTP, with the operations of the storage in it', async () => {
    const { traces, named } = ownTraces();
    const store = await startObjectStore('bucket', 'access');
    onTestFinished(store.close);
    const configuration = parseConfiguration({
      MNAS_STORAGE: 's3://bucket/some',
      MNAS_S3_ENDPOINT: store.url,
      AWS_ACCESS_KEY_ID: 'access',
      AWS_SECRET_ACCESS_KEY: 'secret',
    });
    const storage = await openStorage(configuration, logger, observed(new Metrics(), traces));
    onTestFinished(() => storage.close());
    const task = storedTask(1);
    await storage.write(task); // of no request
    expect(named('storage write')).toBeUndefined();
    expect(store.traced).toEqual([]);
    const { app } = await harness({ replace: { traces, storage } });
    await request(app).get(`/v1/tasks/${task.record.id}`).set('traceparent', traceparent).expect(200);
    await vi.waitFor(() => expect(named('GET /v1/tasks/:id')).toBeDefined());
    const root = named('GET /v1/tasks/:id')!;
    const { spanId } = root.spanContext();
    expect(idsOf(named('storage read')!)).toEqual({ trace: callersTrace, parent: spanId });
    expect(store.traced).toEqual([`GET 00-${callersTrace}-${spanId}-01`]);
  });
});

describe('work that another process has put off', () => {
  const headers = { traceparent };
  const { signal } = new AbortController();

  test('is a span of that trace, and all that it notes is its own', async () => {
    const { traces, named, spans } = ownTraces();
    const askedAt = Date.now() - 500;
    const result = await traces.carriedOn({ name: 'job some', headers, askedAt, signal }, async () => {
      expect(traces.headers()['traceparent']).toMatch(new RegExp(`^00-${callersTrace}-[0-9a-f]{16}-01$`));
      await noted(traces, 'part', () => Promise.resolve())();
      return 7;
    });
    expect(result).toBe(7);
    const job = named('job some')!;
    expect([idsOf(job), job.kind]).toEqual([{ trace: callersTrace, parent: caller }, SpanKind.CONSUMER]);
    expect(idsOf(named('part')!)).toEqual({ trace: callersTrace, parent: job.spanContext().spanId });
    const wait = named('wait for a worker')!;
    expect(idsOf(wait)).toEqual({ trace: callersTrace, parent: caller });
    expect(wait.duration[0] + wait.duration[1] / 1e9).toBeGreaterThanOrEqual(0.5);
    expect(spans().map(({ attributes }) => attributes)).toEqual(Array(3).fill({ 'mnas.outcome': 'done' }));
    expect(traces.headers()).toEqual({}); // it is over
  });

  test('fails as it fails; what is not wanted any more is no failure, a clock that is ahead no wait', async () => {
    const { traces, named } = ownTraces();
    const fault = new Error('broken');
    const ahead = Date.now() + 60_000;
    const failing = { name: 'job failing', headers, askedAt: ahead, signal };
    await expect(traces.carriedOn(failing, () => Promise.reject(fault))).rejects.toBe(fault);
    expect(named('job failing')).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'mnas.outcome': 'failed' },
    });
    expect(named('wait for a worker')!.duration).toEqual([0, 0]);
    const given = { name: 'job given up', headers, signal: AbortSignal.abort(fault) };
    await expect(traces.carriedOn(given, () => Promise.reject(fault))).rejects.toBe(fault);
    expect(named('job given up')).toMatchObject({
      status: { code: SpanStatusCode.UNSET },
      attributes: { 'mnas.outcome': 'given-up' },
    });
  });

  test('of a request that was not traced has a trace of its own; where tracing is off it is only done', async () => {
    const { traces, named } = ownTraces();
    await traces.carriedOn({ name: 'job some', headers: {}, signal }, () => Promise.resolve());
    expect(idsOf(named('job some')!).parent).toBeUndefined();
    const done = noTraces.carriedOn({ name: 'job some', headers, signal }, () => Promise.resolve(7));
    expect(await done).toBe(7);
  });
});

test(
  'the whole service sends a collector the spans of request, queue, worker and store',
  { timeout: 240_000, tags: ['whole'] },
  async () => {
    const collector = await ownCollector();
    const service = await ownService({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      ...(await smallDefault()),
    });
    const answer = await fetch(`${service.url}/v1/tasks`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', traceparent: traceparent },
      body: JSON.stringify({ support: points }),
    });
    expect(answer.status).toBe(201);
    await answer.arrayBuffer();
    await service.stop(); // sends what is left
    const { spans } = collector;
    expect([...collector.services]).toEqual(['m-nas']);
    const root = spans.find(({ name }) => name === 'POST /v1/tasks')!;
    expect(root).toMatchObject({ traceId: callersTrace, parentSpanId: caller });
    const inside = spans.filter(({ parentSpanId }) => parentSpanId === root.spanId);
    expect(inside.map(({ name }) => name).sort()).toEqual([
      'queue adaptRegression',
      'storage read',
      'storage write',
      'wait for a place',
      'wait for memory',
      'worker adaptRegression',
    ]);
    const [queue, worker] = ['queue', 'worker'].map((kind) =>
      inside.find(({ name }) => name === `${kind} adaptRegression`)!,
    );
    expect(worker!.start).toBeGreaterThanOrEqual(queue!.end - 0.001);
    expect(worker!.end - worker!.start).toBeGreaterThan(1);
  },
);
