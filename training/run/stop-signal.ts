import { setMaxListeners } from 'node:events';

/** Signals within this time of the first one, ms, are the same request: a terminal and npm both send it on. */
const sameRequest = 2000;

/** The reason of a signal that aborts since the process is asked to end. */
class StopRequest extends Error {
  override readonly name = 'StopRequest';
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`asked to end by ${signal}`);
    this.signal = signal;
  }
}

/**
 * The exit status of work that was stopped before its end: after Ctrl-C 0, after SIGTERM that of a process which it ended. So
 * a scheduler that makes room by SIGTERM does not take the work for done.
 */
export const stoppedStatus = ({ reason }: AbortSignal): number =>
  reason instanceof StopRequest && reason.signal === 'SIGTERM' ? 143 : 0;

/**
 * Aborts when the process is asked to end, so that what runs can save and stop. Asked again later, the process ends at
 * once.
 */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal); // every task of an evaluation listens
  let first: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      first ??= performance.now();
      stop.abort(new StopRequest(signal));
      if (performance.now() - first > sameRequest) process.exit(130);
    });
  return stop.signal;
}
