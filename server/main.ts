import process from 'node:process';
import { pino, type Logger } from 'pino';
import { flushDenormals } from '../engine/onnxruntime.ts';
import { keptByAllocator } from './allocator.ts';
import { parseConfiguration, printable } from './configuration.ts';
import { startService, type Service } from './service.ts';
import { startWorker } from './worker.ts';

/** A terminal sends a signal to all processes of a command, and npm and tsx pass it on: so soon after it, it is the same. */
const SAME_SIGNAL_MS = 1000;

/** Ends the process at once: an exit would wait for native code of the workers, which then aborts the process. */
const die = () => process.kill(process.pid, 'SIGKILL');

/** What `npm start` may be followed by. */
const ROLES = { service: startService, worker: startWorker };

/** What this process is asked to be. @throws Error that names the roles */
function roleOf([role = 'service', ...others]: readonly string[]): keyof typeof ROLES {
  if (others.length === 0 && Object.hasOwn(ROLES, role)) return role as keyof typeof ROLES;
  throw new Error(`npm start takes no argument, or "-- worker"; ${JSON.stringify(role)} is unknown`);
}

/**
 * Starts the service, or a worker of its queue, by the environment; SIGTERM and SIGINT let running requests end, a second one does not. One that comes
 * while the service starts ends it once it has.
 */
async function main(): Promise<void> {
  const role = roleOf(process.argv.slice(2));
  const configuration = parseConfiguration(process.env);
  const logger = pino({ level: configuration.MNAS_LOG_LEVEL });
  let stoppedAt: number | undefined;
  const stop = (signal: NodeJS.Signals) => {
    const now = performance.now();
    if (stoppedAt !== undefined) {
      if (now - stoppedAt > SAME_SIGNAL_MS) die();
      return;
    }
    stoppedAt = now;
    logger.info({ signal }, 'draining');
    // who sends SIGINT sits at a terminal, and has no balancer that must notice
    const notice = signal === 'SIGTERM' ? configuration.MNAS_NOTICE_SECONDS : 0;
    void starting.then((service) => end(service, notice, logger), fail);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  logger.info({ configuration: printable(configuration) }, 'configuration');
  const kept = keptByAllocator();
  if (kept !== undefined) logger.warn(kept);
  const starting = flushDenormals().then(() => ROLES[role](configuration, logger));
  announce(await starting, logger);
}

async function end(service: Service, notice: number, logger: Logger): Promise<void> {
  try {
    if (await service.stop(notice)) process.exit(0);
    logger.warn('killed, since a job did not end');
  } catch (error) {
    logger.fatal({ err: error }, 'shutdown failed');
  }
  die();
}

/** Tells where the service is, whatever the log's level. */
function announce({ url }: Service, logger: Logger): void {
  logger.child({}, { level: 'info' }).info({ url }, `M-NAS listens on ${url}`);
}

/** Ends with one line; the stack of what nobody expects is for who debugs. */
function fail(error: unknown): never {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${text.replaceAll(/\s*\n\s*/g, ' ')}\n`);
  if (['debug', 'trace'].includes(process.env['MNAS_LOG_LEVEL'] ?? '') && error instanceof Error)
    process.stderr.write(`${String(error.stack)}\n`);
  process.exit(1);
}

main().catch(fail);
