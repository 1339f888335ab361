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

let lastKey = 0;
const nextKey = (): number => ++lastKey;

export const emptyClass = (label = ''): ClassDraft => ({ key: nextKey(), label, shots: [] });
export const emptyDraft = (): Draft => [emptyClass(), emptyClass()];

const shotsOf = (files: readonly File[]): Shot[] => files.map((file) => ({ key: nextKey(), file }));

export const addShots = (draft: Draft, key: number, files: readonly File[]): Draft =>
  draft.map((entry) =>
    entry.key === key ? { ...entry, shots: [...entry.shots, ...shotsOf(files)] } : entry,
  );

export const removeShot = (draft: Draft, key: number): Draft =>
  draft.map((entry) => ({ ...entry, shots: entry.shots.filter((shot) => shot.key !== key) }));

export const rename = (draft: Draft, key: number, label: string): Draft =>
  draft.map((entry) => (entry.key === key ? { ...entry, label } : entry));

export const removeClass = (draft: Draft, key: number): Draft => draft.filter((entry) => entry.key !== key);

/** Files that came with a label each, such as those of a folder: into the class of that label, or a new one. */
export function addLabelled(
  draft: Draft,
  labelled: readonly { readonly label: string; readonly file: File }[],
): Draft {
  if (labelled.length === 0) return draft; // empty classes make room for new ones only
  const filled = draft.filter(({ label, shots }) => label.trim() !== '' || shots.length > 0);
  return labelled.reduce<Draft>((sofar, { label, file }) => {
    const known = sofar.find((entry) => canonicalLabel(entry.label) === canonicalLabel(label));
    if (known) return addShots(sofar, known.key, [file]);
    return [...sofar, { ...emptyClass(label), shots: shotsOf([file]) }];
  }, filled);
}

/** Files without a label or a class to go to: into the first class that is still empty, else into a new one. */
export function addLoose(draft: Draft, files: readonly File[]): Draft {
  if (files.length === 0) return draft;
  const empty = draft.find(({ label, shots }) => label.trim() === '' && shots.length === 0);
  return empty ? addShots(draft, empty.key, files) : [...draft, { ...emptyClass(), shots: shotsOf(files) }];
}

/** What keeps a task from being made, in words, or undefined when nothing does. */
export function obstacleOf(draft: Draft): string | undefined {
  const used = draft.filter(({ shots }) => shots.length > 0);
  const labels = used.map(({ label }) => canonicalLabel(label));
  if (used.length < limits.classes.min) return 'Give at least two classes an image each.';
  if (used.length > limits.classes.max) return `A task has at most ${limits.classes.max} classes.`;
  const unnamed = labels.indexOf('');
  if (unnamed >= 0) return `Name the class of ${used[unnamed]!.shots[0]!.file.name}.`;
  const odd = labels.map(readLabel).find((read) => 'problem' in read);
  if (odd) return `${sentence(odd.problem)}.`;
  const twice = labels.find((label, i) => labels.indexOf(label) !== i);
  if (twice !== undefined) return `Two classes are named “${twice}”.`;
  const full = used.find(({ shots }) => shots.length > limits.images.max);
  if (full) return `“${full.label}” has more than ${limits.images.max} images.`;
  return undefined;
}

const sentence = (clause: string) => clause.charAt(0).toUpperCase() + clause.slice(1);

/** The label of a file of a chosen folder: the name of the folder that it is in. */
export function labelOfPath(path: string): string | undefined {
  return path.split('/').at(-2);
}
