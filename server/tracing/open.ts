import type { Logger } from 'pino';
import { isTraced } from './setting.ts';
import type { TracesEnvironment } from './setting.ts';
import { noTraces } from './traces.ts';
import type { Traces } from './traces.ts';

/**
 * Tracing as the environment asks for it. OpenTelemetry is loaded only where it is on; it reads the other `OTEL_`
 * variables by itself.
 * @throws TracesSetupError
 */
export async function openTraces(environment: TracesEnvironment, logger: Logger): Promise<Traces> {
  if (!isTraced(environment)) return noTraces;
  const { exportedTraces } = await import('./spans.ts');
  return exportedTraces(logger);
}
