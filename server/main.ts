import process from 'node:process';
import { pino } from 'pino';
import { flushDenormals } from '../engine/onnxruntime.ts';
import { CheckpointSetupError } from './workers/load-checkpoints.ts';
import { ConfigurationError, parseConfiguration, printable } from './configuration.ts';
import { startService, type Service } from './service.ts';
import { StorageSetupError } from './storage/open.ts';

/**
 * Starts the service by the environment; SIGTERM and SIGINT let running requests end, a second one does not. While it
 * starts there are none, so one signal ends it; as the first process of a container it would ignore it without a handler.
 */
async function main(): Promise<void> {
  const configuration = parseConfiguration(process.env);
  const logger = pino({ level: configuration.MNAS_LOG_LEVEL });
  let service: Service | undefined = undefined;
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1); // whichever of the two signals it is
    stopping = true;
    logger.info({ signal }, service ? 'draining' : 'stopped before it was ready');
    if (!service) process.exit(0);
    service.stop().then(
      (ended) => {
        if (ended) process.exit(0);
        logger.warn('killed, since a job did not end');
        // an exit would wait for the native code of the job, which then aborts the process
        process.kill(process.pid, 'SIGKILL');
      },
      (error: unknown) => {
        logger.fatal({ err: error }, 'shutdown failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  logger.info({ configuration: printable(configuration) }, 'configuration');
  await flushDenormals();
  service = await startService(configuration, logger);
  process.stdout.write(`M-NAS listens on ${service.url}\n`);
}

main().catch((error: unknown) => {
  const expected = [ConfigurationError, CheckpointSetupError, StorageSetupError].some(
    (known) => error instanceof known,
  );
  process.stderr.write(
    `${error instanceof Error ? String(expected ? error.message : error.stack) : String(error)}\n`,
  );
  process.exit(1);
});
