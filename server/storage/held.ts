/** The work, done again at most every so many milliseconds: until then its last answer, or failure, holds. */
export function heldFor(ms: number, work: () => Promise<void>): () => Promise<void> {
  let last: { readonly at: number; readonly result: Promise<void> } | undefined;
  return () => {
    const now = Date.now();
    if (!last || now - last.at > ms) last = { at: now, result: work() };
    return last.result;
  };
}
