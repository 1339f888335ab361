import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { onTestFinished } from 'vitest';
import { createTraces } from '../../../server/tracing/spans.ts';
import type { Traces } from '../../../server/tracing/traces.ts';

export interface OwnTraces {
  readonly traces: Traces;
  readonly spans: () => readonly ReadableSpan[];
  /** the first span of the name that has ended */
  readonly named: (name: string) => ReadableSpan | undefined;
}

/** Traces whose spans stay in memory. */
export function ownTraces(): OwnTraces {
  const exporter = new InMemorySpanExporter();
  const traces = createTraces(new SimpleSpanProcessor(exporter));
  onTestFinished(() => traces.close());
  const named = (name: string) => exporter.getFinishedSpans().find((span) => span.name === name);
  return { traces, spans: () => exporter.getFinishedSpans(), named };
}

/** Where a span belongs. */
export const idsOf = (
  span: ReadableSpan,
): { readonly trace: string; readonly parent: string | undefined } => ({
  trace: span.spanContext().traceId,
  parent: span.parentSpanContext?.spanId,
});
