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
 * no classes but the parts of a data set, whose classes are below: one of them is taken, and the rest is passed over.
 */
export function placeByFolders(paths: readonly string[], split: Split): readonly Placement[] {
  const all = segmentsOf(paths);
  const shared = sharedFolders(all);
  const tops = all.map((segments) => folder(segments, shared));
  const parts = new Set(tops.flatMap((top) => (top === undefined ? [] : (partOf(top) ?? []))));
  if (parts.size < 2) return tops.map((top) => (top === undefined ? noClass : { label: top }));
  const taken = takenPart(split, parts);
  return all.map((segments, index) => {
    const part = partOf(tops[index] ?? '');
    if (part === undefined) return { problem: `it is in none of the parts ${[...parts].join(' and ')}` };
    if (part !== taken) return passedOver;
    const label = folder(segments, shared + 1);
    return label === undefined ? noClass : { label };
  });
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
