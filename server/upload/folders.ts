/**
 * The folder of each path that names its class. Folders around all of them, as people zip them, do not count: the one
 * below is the class, and folders inside a class do not matter. Undefined for a path that is in no folder.
 */
export function classFolders(paths: readonly string[]): (string | undefined)[] {
  const all = paths.map((path) => path.split('/').filter((segment) => segment !== ''));
  const depth = Math.max(0, ...all.map(({ length }) => length));
  let shared = 0;
  // a folder is around the others only when there is another one below it
  while (shared + 2 < depth && new Set(all.map((segments) => folder(segments, shared))).size === 1) shared++;
  return all.map((segments) => folder(segments, shared));
}

/** The folder at a depth; the last segment is a file. */
const folder = (segments: readonly string[], depth: number): string | undefined =>
  depth < segments.length - 1 ? segments[depth] : undefined;
