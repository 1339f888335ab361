import { inspect } from 'node:util';

export type EngineErrorCode =
  | 'PROVIDER_UNAVAILABLE'
  | 'COMPILE_FAILED'
  | 'UNSUPPORTED_TYPE'
  | 'INVALID_INPUT'
  | 'RUN_FAILED'
  | 'DISPOSED'
  | 'DENORMALS_FIXED';

/** What went wrong, of anything thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A graph could not be compiled or run. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** More jobs wait than the pool's limit: try again later. */
export class QueueFullError extends Error {
  override readonly name = 'QueueFullError';
  readonly code = 'QUEUE_FULL';
}

/** The pool was closed before the job started. */
export class PoolClosedError extends Error {
  override readonly name = 'PoolClosedError';
  readonly code = 'POOL_CLOSED';
}

/** The worker died while it ran the job, or could not start. */
export class WorkerCrashError extends Error {
  override readonly name = 'WorkerCrashError';
  readonly code = 'WORKER_CRASHED';
}

/** The job was given up while it ran, and has stopped between two graphs. */
export class JobStoppedError extends Error {
  override readonly name = 'JobStoppedError';
  readonly code = 'JOB_STOPPED';
}

/** An error as it crosses threads. */
export interface ErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly code: unknown;
  readonly details: unknown;
  readonly cause: ErrorRecord | undefined;
}

/** An error that a job threw in its worker: name, message, stack, `code`, `details` and cause are the original's. */
export class JobError extends Error {
  readonly code: unknown;
  readonly details: unknown;

  constructor(record: ErrorRecord) {
    super(record.message, record.cause && { cause: new JobError(record.cause) });
    this.name = record.name;
    this.code = record.code;
    this.details = record.details;
    if (record.stack !== undefined) this.stack = record.stack;
  }
}

/** Longer chains of causes (or circular ones) are cut. */
const maxCauses = 5;

/** The parts of anything thrown that survive a thread boundary. */
export function errorRecord(thrown: unknown, causes = maxCauses): ErrorRecord {
  if (!(thrown instanceof Error)) {
    const message = typeof thrown === 'string' ? thrown : `a job threw ${inspect(thrown)}`;
    return {
      name: 'Error',
      message,
      stack: undefined,
      code: undefined,
      details: undefined,
      cause: undefined,
    };
  }
  const { name, message, stack, cause } = thrown;
  return {
    name,
    message,
    stack,
    code: 'code' in thrown ? cloneable(thrown.code) : undefined,
    details: 'details' in thrown ? cloneable(thrown.details) : undefined,
    cause: cause === undefined || causes === 0 ? undefined : errorRecord(cause, causes - 1),
  };
}

/** The value, or its description when it cannot be cloned (a function, a class with private state). */
function cloneable(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return inspect(value);
  }
}
