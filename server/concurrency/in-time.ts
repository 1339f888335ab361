/** The work's value; after so many seconds without it the error of `late`, whatever becomes of the work. */
export async function inTime<T>(seconds: number, work: Promise<T>, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), seconds * 1000);
  });
  try {
    return await Promise.race([work, end]);
  } finally {
    clearTimeout(timer);
  }
}

/** The promise's outcome, or the signal's reason if that comes first. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason as Error);
    if (signal.aborted) abort();
    // gone afterwards: Node keeps a signal of others for ever while somebody listens to it
    signal.addEventListener('abort', abort, { once: true });
    const forget = () => signal.removeEventListener('abort', abort);
    promise.finally(forget).then(resolve, reject);
  });
}

class LateError extends Error {
  override readonly name = 'LateError';
}

/** The promise's value if it comes within so many seconds, and before the signal; else undefined. */
export async function within<T>(
  seconds: number,
  promise: Promise<T>,
  signal: AbortSignal,
): Promise<T | undefined> {
  try {
    return await inTime(seconds, unlessAborted(promise, signal), () => new LateError());
  } catch (error) {
    if (error instanceof LateError || signal.aborted) return undefined;
    throw error;
  }
}

/** Works with a signal that also aborts when the seconds are over, with the error of `late`. */
export async function withDeadline<T>(
  seconds: number,
  signal: AbortSignal,
  late: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(late()), seconds * 1000);
  try {
    return await work(AbortSignal.any([signal, deadline.signal]));
  } finally {
    clearTimeout(timer);
  }
}
