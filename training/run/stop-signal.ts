/** Signals within this time of the first one, ms, are the same request: a terminal and npm both send it on. */
const sameRequest = 2000;

/**
 * Aborts when the process is asked to end, so that what runs can save and stop. Asked again later, the process ends at
 * once.
 */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  let first: number | undefined;
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      first ??= performance.now();
      stop.abort();
      if (performance.now() - first > sameRequest) process.exit(130);
    });
  return stop.signal;
}
