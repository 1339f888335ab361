/** Runs at most `limit` of the given tasks at a time, the others wait in order. */
export function createLimiter(limit: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await task();
    } finally {
      // the slot passes on to the next in line, or becomes free
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
