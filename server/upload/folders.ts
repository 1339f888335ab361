/** Which part of a data set is wanted: what a task is made of, or what it is evaluated with. */
export type Split = 'train' | 'test';

/** The class of a file, or why it has none, as a clause without a full stop; `passedOver` is of another part. */
export type Placement =
  { readonly label: string } | { readonly problem: string } | { readonly passedOver: true };

const passedOver: Placement = { passedOver: true };
const noClass: Placement = { problem: 'it is in no folder that names its class' };

/** How the parts of data sets are called, in any case; few-shot tasks have a support set and a query set. */
const partNames = {
  train: /^(?:train(?:ing)?|support)(?:[ _-]?(?:set|data|images))?$/i,
  validation: /^(?:val(?:id(?:ation)?)?|dev(?:elopment)?)(?:[ _-]?(?:set|data|images))?$/i,
  test: /^(?:test(?:ing)?|eval(?:uation)?|query|queries)(?:[ _-]?(?:set|data|images))?$/i,
} as const;
type PartName = keyof typeof partNames;

/** The part of a data set that a folder, or a value of a table, names. */
export const partOf = (name: string): PartName | undefined =>
  (Object.keys(partNames) as PartName[]).find((part) => partNames[part].test(name));

/** The parts that are taken of those there are: of a data set without a test set its validation set is that. */
export function takenPart(split: Split, there: ReadonlySet<PartName>): PartName {
  if (split === 'train') return 'train';
  return there.has('test') ? 'test' : 'validation';
}

/**
 * What the folders of each path say of its class. Folders around all of them, as people zip them, do not count: the one
 * below is the class, and folders inside a class do not matter. Folders `train` and `test` (or `val`) side by side are
 * no classes but the parts of a data set, whose classes are below, or around where every class has such folders: one of
 * them is taken, and the rest is passed over.
 */
export function placeByFolders(paths: readonly string[], split: Split): readonly Placement[] {
  const all = segmentsOf(paths);
  const shared = sharedFolders(all);
  const tops = all.map((segments) => folder(segments, shared));
  const below = all.map((segments) => folder(segments, shared + 1));
  const parts = partsOf(tops);
  if (parts.size >= 2) return placeByParts({ partNames: tops, labels: below }, parts, split);
  const inner = partsOf(below);
  const isInside = inner.size >= 2 && below.every((name) => name !== undefined && partOf(name) !== undefined);
  if (isInside) return placeByParts({ partNames: below, labels: tops }, inner, split);
  const around = [...new Set(tops)].find((top) => hasClasses(top, tops, below));
  return tops.map((top) => {
    if (top === undefined) return noClass;
    if (around === undefined || top === around) return { label: top };
    return { problem: `it is beside ${JSON.stringify(around)}, which has folders of classes; leave it out` };
  });
}

/** The parts that the first folder of each path below those around all names. */
export function partsByFolders(paths: readonly string[]): readonly (PartName | undefined)[] {
  const all = segmentsOf(paths);
  const shared = sharedFolders(all);
  return all.map((segments) => partOf(folder(segments, shared) ?? ''));
}

const partsOf = (names: readonly (string | undefined)[]): ReadonlySet<PartName> =>
  new Set(names.flatMap((name) => (name === undefined ? [] : (partOf(name) ?? []))));

/** @param given of each path the folder that names its part, and the one that names its class */
function placeByParts(
  given: Readonly<Record<'partNames' | 'labels', readonly (string | undefined)[]>>,
  parts: ReadonlySet<PartName>,
  split: Split,
): readonly Placement[] {
  const taken = takenPart(split, parts);
  return given.partNames.map((name, index) => {
    const part = partOf(name ?? '');
    if (part === undefined) return { problem: `it is in none of the parts ${[...parts].join(' and ')}` };
    if (part !== taken) return passedOver;
    const label = given.labels[index];
    return label === undefined ? noClass : { label };
  });
}

/** Whether a folder among others is a data set of its own: it is called a part, and two folders or more have all its files. */
function hasClasses(
  top: string | undefined,
  tops: readonly (string | undefined)[],
  below: readonly (string | undefined)[],
): boolean {
  if (top === undefined || partOf(top) === undefined) return false;
  const classes = new Set(below.filter((_, index) => tops[index] === top));
  return classes.size >= 2 && !classes.has(undefined);
}

/** The folders around all paths, as a path that ends with a slash, or nothing. */
export function folderAround(paths: readonly string[]): string {
  const all = segmentsOf(paths);
  return (
    all[0]
      ?.slice(0, sharedFolders(all))
      .map((segment) => `${segment}/`)
      .join('') ?? ''
  );
}

const segmentsOf = (paths: readonly string[]) =>
  paths.map((path) => path.split('/').filter((segment) => segment !== ''));

function sharedFolders(all: readonly (readonly string[])[]): number {
  const depth = Math.max(0, ...all.map(({ length }) => length));
  let shared = 0;
  // a folder is around the others only when there is another one below it
  while (shared + 2 < depth && new Set(all.map((segments) => folder(segments, shared))).size === 1) shared++;
  return shared;
}

/** The folder at a depth; the last segment is a file. */
const folder = (segments: readonly string[], depth: number): string | undefined =>
  depth < segments.length - 1 ? segments[depth] : undefined;
