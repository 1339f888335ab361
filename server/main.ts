import process from 'node:process';
import { pino } from 'pino';
import { flushDenormals } from '../engine/onnxruntime.ts';
import { CheckpointSetupError } from './checkpoints.ts';
import { ConfigurationError, parseConfiguration, printable } from './configuration.ts';
import { startService } from './service.ts';
import { StorageSetupError } from './storage/open.ts';

/** Starts the service by the environment; SIGTERM and SIGINT let running requests end, a second one does not. */
async function main(): Promise<void> {
  const configuration = parseConfiguration(process.env);
  const logger = pino({ level: configuration.MNAS_LOG_LEVEL });
  logger.info({ configuration: printable(configuration) }, 'configuration');
  await flushDenormals();
  const service = await startService(configuration, logger);
  let stopping = false;
  const stop = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1); // whichever of the two signals it is
    stopping = true;
    logger.info({ signal }, 'draining');
    service.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.fatal({ err: error }, 'shutdown failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
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
