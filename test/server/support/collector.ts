import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import protobuf from 'protobufjs';
import { onTestFinished, vi } from 'vitest';

/** A span as a collector is told of it; ids are hexadecimal. */
export interface SentSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly start: number;
  readonly end: number;
}

/** As much of OTLP as is looked at. */
const schema = `syntax = "proto3";
message Request { repeated ResourceSpans resourceSpans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scopeSpans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message KeyValue { string key = 1; Value value = 2; }
message Value { string stringValue = 1; }
message ScopeSpans { repeated Span spans = 2; }
message Span {
  bytes traceId = 1; bytes spanId = 2; bytes parentSpanId = 4; string name = 5;
  fixed64 startTimeUnixNano = 7; fixed64 endTimeUnixNano = 8;
}`;

const Request = protobuf.parse(schema).root.lookupType('Request');

interface Sent {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { key: string; value: { stringValue: string } }[] };
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<SentSpan, 'start' | 'end'> & {
        readonly startTimeUnixNano: string;
        readonly endTimeUnixNano: string;
      })[];
    }[];
  }[];
}

const hex = (base64: string) => Buffer.from(base64, 'base64').toString('hex');

/** The collector of a test, which what it starts sends its spans to: the exporter reads the environment by itself. */
export async function ownCollector() {
  const collector = await startCollector();
  onTestFinished(collector.close);
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url);
  onTestFinished(() => void vi.unstubAllEnvs());
  return collector;
}

/** A collector that takes OTLP over HTTP at `/v1/traces`, as protobuf. */
async function startCollector() {
  const spans: SentSpan[] = [];
  const services = new Set<string>();
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      if (request.url !== '/v1/traces' || request.headers['content-type'] !== 'application/x-protobuf')
        return response.writeHead(404).end();
      const sent = Request.toObject(Request.decode(Buffer.concat(chunks)), {
        bytes: String,
        longs: String,
        defaults: true,
      }) as Sent;
      for (const { resource, scopeSpans } of sent.resourceSpans) {
        const name = resource.attributes.find(({ key }) => key === 'service.name');
        services.add(name!.value.stringValue);
        for (const span of scopeSpans.flatMap((scope) => scope.spans))
          spans.push({
            name: span.name,
            traceId: hex(span.traceId),
            spanId: hex(span.spanId),
            parentSpanId: hex(span.parentSpanId),
            start: Number(span.startTimeUnixNano) / 1e6,
            end: Number(span.endTimeUnixNano) / 1e6,
          });
      }
      return response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end();
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, services, close };
}
