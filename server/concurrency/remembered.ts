/** What keeps promises by key: a map, or one that forgets. */
interface Known<V> {
  get(key: string): Promise<V> | undefined;
  set(key: string, value: Promise<V>): unknown;
  delete(key: string): unknown;
}

/** The value that a map has for a key; where there is none it is made and kept, unless its making fails. */
export function remembered<V>(known: Known<V>, key: string, make: () => Promise<V>): Promise<V> {
  const there = known.get(key);
  if (there) return there;
  const made = make();
  known.set(key, made);
  made.catch(() => known.delete(key));
  return made;
}
