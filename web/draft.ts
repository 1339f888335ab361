import { canonicalLabel, longestLabel, readLabel } from '../contract/label.ts';

/** The task that is being put together: classes with their images. Pure, so that it can be tested without a browser. */

export interface Shot {
  readonly key: number;
  readonly file: File;
}

export interface ClassDraft {
  readonly key: number;
  readonly label: string;
  readonly shots: readonly Shot[];
}

export type Draft = readonly ClassDraft[];

/** What the service takes (docs/http.md). */
export const limits = { classes: { min: 2, max: 20 }, images: { max: 50 }, label: { max: longestLabel } };

/** Begins with the time, so that no key of an earlier visit, which storage may still have, comes again. */
let lastKey = Date.now();
const nextKey = (): number => ++lastKey;

/** A class as it begins: its name is one that may stay. */
export const emptyClass = (label: string): ClassDraft => ({ key: nextKey(), label, shots: [] });
export const emptyDraft = (): Draft => [emptyClass('Class 1'), emptyClass('Class 2')];

/** One class more, called by the first number that no other class has. */
export function addClass(draft: Draft): Draft {
  const taken = new Set(draft.map(({ label }) => canonicalLabel(label)));
  let number = draft.length + 1;
  while (taken.has(`Class ${number}`)) number++;
  return [...draft, emptyClass(`Class ${number}`)];
}

/** Whether nobody has done anything with it yet. */
const isUntouched = ({ label, shots }: ClassDraft): boolean =>
  shots.length === 0 && /^(Class \d+)?$/.test(canonicalLabel(label));

export const imagesOf = (draft: Draft): number => draft.reduce((sum, { shots }) => sum + shots.length, 0);

/** Classes that have images, as a task is made of them. */
export const classesOf = (draft: Draft): { readonly label: string; readonly files: readonly File[] }[] =>
  draft
    .filter(({ shots }) => shots.length > 0)
    .map(({ label, shots }) => ({ label: canonicalLabel(label), files: shots.map(({ file }) => file) }));

/** A text that is another one as soon as a task of the draft would be another one. */
export const signatureOf = (
  draft: readonly { readonly label: string; readonly shots: readonly { readonly key: number }[] }[],
): string =>
  JSON.stringify(
    draft
      .filter(({ shots }) => shots.length > 0)
      .map(({ label, shots }) => [canonicalLabel(label), shots.map(({ key }) => key).sort((a, b) => a - b)])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  );

const shotsOf = (files: readonly File[]): Shot[] => files.map((file) => ({ key: nextKey(), file }));

export const addShots = (draft: Draft, key: number, files: readonly File[]): Draft =>
  draft.map((entry) =>
    entry.key === key ? { ...entry, shots: [...entry.shots, ...shotsOf(files)] } : entry,
  );

export const removeShot = (draft: Draft, key: number): Draft =>
  draft.map((entry) => ({ ...entry, shots: entry.shots.filter((shot) => shot.key !== key) }));

/** Puts a removed image back where it was, into the class that is still there, else into a new one of its name. */
export function restoreShot(draft: Draft, from: ClassDraft, shot: Shot): Draft {
  const at = from.shots.findIndex(({ key }) => key === shot.key);
  const back = (shots: readonly Shot[]) => [...shots.slice(0, at), shot, ...shots.slice(at)];
  if (!draft.some(({ key }) => key === from.key)) return [...draft, { ...from, shots: [shot] }];
  return draft.map((entry) => (entry.key === from.key ? { ...entry, shots: back(entry.shots) } : entry));
}

/** Puts a removed class back where it was. */
export const restoreClass = (draft: Draft, entry: ClassDraft, at: number): Draft => [
  ...draft.slice(0, at),
  entry,
  ...draft.slice(at),
];

/** Moves an image into another class. */
export function moveShot(draft: Draft, key: number, to: number): Draft {
  const shot = draft.flatMap(({ shots }) => shots).find((one) => one.key === key);
  if (!shot) return draft;
  return removeShot(draft, key).map((entry) =>
    entry.key === to ? { ...entry, shots: [...entry.shots, shot] } : entry,
  );
}

export const rename = (draft: Draft, key: number, label: string): Draft =>
  draft.map((entry) => (entry.key === key ? { ...entry, label } : entry));

export const removeClass = (draft: Draft, key: number): Draft => draft.filter((entry) => entry.key !== key);

/** Files that came with a label each, such as those of a folder: into the class of that label, or a new one. */
export function addLabelled(
  draft: Draft,
  labelled: readonly { readonly label: string; readonly file: File }[],
): Draft {
  if (labelled.length === 0) return draft; // empty classes make room for new ones only
  const filled = draft.filter((entry) => !isUntouched(entry));
  return labelled.reduce<Draft>((sofar, { label, file }) => {
    const known = sofar.find((entry) => canonicalLabel(entry.label) === canonicalLabel(label));
    if (known) return addShots(sofar, known.key, [file]);
    return [...sofar, { ...emptyClass(label), shots: shotsOf([file]) }];
  }, filled);
}

/** Files without a label or a class to go to: into the first class that is still empty, else into a new one. */
export function addLoose(draft: Draft, files: readonly File[]): Draft {
  if (files.length === 0) return draft;
  const empty = draft.find(({ shots }) => shots.length === 0);
  if (empty) return addShots(draft, empty.key, files);
  const more = addClass(draft);
  return addShots(more, more.at(-1)!.key, files);
}

/** What keeps a task from being made: in words, and the class to look at, where it is one. */
export interface Obstacle {
  readonly text: string;
  readonly at?: number;
}

/** Undefined when a task can be made. */
export function obstacleOf(draft: Draft): Obstacle | undefined {
  const used = draft.filter(({ shots }) => shots.length > 0);
  const labels = used.map(({ label }) => canonicalLabel(label));
  if (used.length < limits.classes.min) {
    const empty = draft.find(({ shots }) => shots.length === 0);
    const text = empty ? `Add images to “${nameOf(empty)}”.` : 'Add a second class with images.';
    return { text, ...(empty && { at: empty.key }) };
  }
  if (used.length > limits.classes.max)
    return { text: `There can be ${limits.classes.max} classes at most; remove one.` };
  const at = (index: number) => ({ at: used[index]!.key });
  const unnamed = labels.indexOf('');
  if (unnamed >= 0)
    return { text: `Name the class of ${used[unnamed]!.shots[0]!.file.name}.`, ...at(unnamed) };
  const readings = labels.map(readLabel);
  const odd = readings.find((read) => 'problem' in read);
  if (odd) return { text: `${sentence(odd.problem)}.`, ...at(readings.indexOf(odd)) };
  const twice = labels.findIndex((label, i) => labels.indexOf(label) !== i);
  if (twice >= 0)
    return { text: `Two classes are called “${labels[twice]!}”; rename one of them.`, ...at(twice) };
  const full = used.findIndex(({ shots }) => shots.length > limits.images.max);
  if (full >= 0) {
    const { label, shots } = used[full]!;
    const over = shots.length - limits.images.max;
    return {
      text: `“${label}” has ${shots.length} images, ${limits.images.max} are allowed; remove ${over}.`,
      ...at(full),
    };
  }
  return undefined;
}

/** What a class is called, also while its name is empty. */
export const nameOf = ({ label }: ClassDraft): string => canonicalLabel(label) || 'the class without a name';

const sentence = (clause: string) => clause.charAt(0).toUpperCase() + clause.slice(1);

/** The label of a file of a chosen folder: the name of the folder that it is in. */
export function labelOfPath(path: string): string | undefined {
  return path.split('/').at(-2);
}
