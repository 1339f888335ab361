import { createStore, del, entries, set } from 'idb-keyval';
import type { Draft } from './draft.ts';
import { checked } from './images.ts';
import { keepFiles, keptDraftOf, unlessForbidden } from './kept-files.ts';
import type { KeptDraft } from './kept-files.ts';
import type { MadeTask } from './task.ts';

/** A task that was made in this browser, as it is remembered here: the service lists tasks to nobody. */
export interface Kept {
  readonly id: string;
  readonly place: MadeTask['place'];
  readonly createdAt: string;
  readonly labels: readonly string[];
  readonly checkpoint: string;
  readonly embedding: readonly number[];
  /** a small picture of the first classes */
  readonly pictures: readonly Blob[];
  /** the classes that it was made of, where the browser could keep their images */
  readonly classes?: KeptDraft;
  /** the whole task, of those that no service has */
  readonly task?: MadeTask;
}

const store = createStore('m-nas', 'tasks');
const shownClasses = 4;

/** The latest first; none where the browser keeps nothing, as in some private windows. */
export async function keptTasks(): Promise<readonly Kept[]> {
  const all = await unlessForbidden(() => entries<string, Kept>(store));
  return (all ?? []).map(([, kept]) => kept).sort((a, b) => b.createdAt.localeCompare(a.createdAt));
}

/** Remembers a task with what it was made of. */
export async function keep(task: MadeTask, draft: Draft): Promise<void> {
  const used = draft.filter(({ shots }) => shots.length > 0);
  const firsts = used.flatMap(({ shots }) => shots.slice(0, 1)).slice(0, shownClasses);
  const looks = await Promise.all(firsts.map(({ file }) => checked(file)));
  const { id, place, createdAt, labels, checkpoint, embedding } = task;
  const keptFiles = await keepFiles(used);
  await keepAgain({
    id,
    place,
    createdAt,
    labels,
    checkpoint,
    embedding,
    pictures: looks.flatMap(({ picture }) => picture ?? []),
    ...(keptFiles && { classes: keptDraftOf(used) }),
    ...(place === 'device' && { task }),
  });
}

/** Remembers what was forgotten. */
export async function keepAgain(kept: Kept): Promise<void> {
  await unlessForbidden(() => set(kept.id, kept, store));
}

export async function forget(id: string): Promise<void> {
  await unlessForbidden(() => del(id, store));
}
