/** The work, done again at most every so many milliseconds: until then its last answer, or failure, holds. */
export function heldFor<T>(ms: number, work: () => Promise<T>): () => Promise<T> {
  let last: { readonly at: number; readonly result: Promise<T> } | undefined;
  return () => {
    const now = Date.now();
    if (!last || now - last.at > ms) last = { at: now, result: work() };
    return last.result;
  };
}
