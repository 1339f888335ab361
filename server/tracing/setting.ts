/** What the environment says of tracing, by the names that OpenTelemetry gives them. */
export interface TracesEnvironment {
  readonly OTEL_SDK_DISABLED?: string | undefined;
  readonly OTEL_TRACES_EXPORTER?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_TRACES_ENDPOINT?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_PROTOCOL?: string | undefined;
  readonly OTEL_EXPORTER_OTLP_TRACES_PROTOCOL?: string | undefined;
}

/** The environment asks for tracing as it cannot be done; thrown at start. */
export class TracesSetupError extends Error {
  override readonly name = 'TracesSetupError';
}

/** The one that every collector takes over HTTP. */
const offered = 'http/protobuf';

/**
 * Whether requests are traced: where a collector is named, or its exporter.
 * @throws TracesSetupError where the exporter or its protocol is another than the one there is
 */
export function isTraced(environment: TracesEnvironment): boolean {
  const { OTEL_SDK_DISABLED: disabled, OTEL_TRACES_EXPORTER: exporter } = environment;
  const endpoint = environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? environment.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (disabled?.toLowerCase() === 'true' || exporter === 'none') return false;
  if (exporter === undefined && endpoint === undefined) return false;
  if (exporter !== undefined && exporter !== 'otlp')
    throw new TracesSetupError('OTEL_TRACES_EXPORTER: it may be otlp or none');
  for (const name of ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'OTEL_EXPORTER_OTLP_PROTOCOL'] as const) {
    const protocol = environment[name];
    if (protocol === undefined) continue;
    if (protocol !== offered) throw new TracesSetupError(`${name}: it may be ${offered} only`);
    break; // the more special one counts
  }
  return true;
}
