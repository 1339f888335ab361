/** The value that a map has for a key; where there is none it is made and kept, unless its making fails. */
export function remembered<V>(
  known: Map<string, Promise<V>>,
  key: string,
  make: () => Promise<V>,
): Promise<V> {
  const there = known.get(key);
  if (there) return there;
  const made = make();
  known.set(key, made);
  made.catch(() => known.delete(key));
  return made;
}
