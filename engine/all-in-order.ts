/**
 * As `Promise.all`, but when all have ended, so that none goes on behind a failure; of several failures the first in the
 * list is thrown, whichever came first.
 */
export async function allInOrder<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
