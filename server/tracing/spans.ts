import { AsyncLocalStorage } from 'node:async_hooks';
import {
  defaultTextMapGetter,
  defaultTextMapSetter,
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Context, Span } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Request, Response } from 'express';
import type { Logger } from 'pino';
import { whenOver } from '../http/client.ts';
import { codeAnswered, isProbe, routeOf } from '../http/requests.ts';
import { version } from '../version.ts';
import type { EndedWork, Traces } from './traces.ts';

/** The request that is current: where its spans belong, and what makes a time of `performance.now()` one of the day. */
interface Current {
  readonly context: Context;
  readonly epoch: number;
}

/** That a collector which does not answer holds up the end of the process. */
const closeMs = 3000;

const propagator = new W3CTraceContextPropagator();

/** Spans of requests, sent to the collector that the environment names. */
export function exportedTraces(logger: Logger): Traces {
  const tell = (message: string) => logger.warn({ reason: message }, 'tracing failed');
  const silent = () => undefined;
  diag.setLogger(
    { error: tell, warn: tell, info: silent, debug: silent, verbose: silent },
    DiagLogLevel.WARN,
  );
  return createTraces(new BatchSpanProcessor(new OTLPTraceExporter()));
}

/** Spans of requests, given to a processor. Nothing of it is global, so that a process may have several. */
export function createTraces(processor: SpanProcessor): Traces {
  const own = resourceFromAttributes({ 'service.name': 'm-nas', 'service.version': version });
  const resource = defaultResource()
    .merge(own)
    .merge(detectResources({ detectors: [envDetector] }));
  const provider = new BasicTracerProvider({ resource, spanProcessors: [processor] });
  const tracer = provider.getTracer('m-nas', version);
  const current = new AsyncLocalStorage<Current>();
  return {
    middleware: (request, response, next) => {
      if (isProbe(request.path)) {
        next(); // asked for every few seconds, for ever
        return;
      }
      const startedAt = performance.now();
      const epoch = Date.now() - startedAt;
      const parent = propagator.extract(ROOT_CONTEXT, request.headers, defaultTextMapGetter);
      const { method } = request;
      const span = tracer.startSpan(
        method,
        {
          kind: SpanKind.SERVER,
          startTime: epoch + startedAt,
          attributes: { 'http.request.method': method },
        },
        parent,
      );
      whenOver(request, response, () => {
        describe(span, request, response);
        span.end(epoch + performance.now());
      });
      response.locals['traceId'] = span.spanContext().traceId;
      current.run({ context: trace.setSpan(parent, span), epoch }, next);
    },
    note: (work) => {
      const request = current.getStore();
      if (request) endedSpan(tracer, request, work);
    },
    headers: () => {
      const headers: Record<string, string> = {};
      const request = current.getStore();
      if (request) propagator.inject(request.context, headers, defaultTextMapSetter);
      return headers;
    },
    carriedOn: async ({ name, headers, askedAt, signal }, work) => {
      const startedAt = performance.now();
      const epoch = Date.now() - startedAt;
      const parent = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
      if (askedAt !== undefined) {
        const waited = { startTime: Math.min(askedAt, epoch + startedAt) }; // clocks may differ
        end(tracer.startSpan('wait for a worker', waited, parent), 'done', epoch + startedAt);
      }
      const span = tracer.startSpan(name, { kind: SpanKind.CONSUMER, startTime: epoch + startedAt }, parent);
      let outcome = 'failed';
      try {
        const result = await current.run({ context: trace.setSpan(parent, span), epoch }, work);
        outcome = 'done';
        return result;
      } catch (error) {
        if (signal.aborted) outcome = 'given-up';
        throw error;
      } finally {
        end(span, outcome, epoch + performance.now());
      }
    },
    close: async () => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise((resolve) => (timer = setTimeout(resolve, closeMs)));
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
      clearTimeout(timer);
    },
  };
}

function endedSpan(
  tracer: ReturnType<BasicTracerProvider['getTracer']>,
  { context, epoch }: Current,
  { name, startedAt, endedAt, outcome }: EndedWork,
): void {
  end(tracer.startSpan(name, { startTime: epoch + startedAt }, context), outcome, epoch + endedAt);
}

function end(span: Span, outcome: string, endedAt: number): void {
  span.setAttribute('mnas.outcome', outcome);
  if (outcome === 'failed') span.setStatus({ code: SpanStatusCode.ERROR });
  span.end(endedAt);
}

/** What is known of a request at its end: by its route, so that no id is told, and nothing that a client has sent. */
function describe(span: Span, request: Request, response: Response): void {
  const route = routeOf(request);
  const code = codeAnswered(response);
  const disconnected = !response.writableFinished;
  if (route !== undefined) {
    span.updateName(`${request.method} ${route}`);
    span.setAttribute('http.route', route);
  }
  if (!disconnected) span.setAttribute('http.response.status_code', response.statusCode);
  if (code !== undefined || disconnected) span.setAttribute('error.type', code ?? 'disconnected');
  // the fault of a client is none of the service
  if (!disconnected && response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
}
