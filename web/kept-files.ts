import { createStore, del, delMany, entries, get, keys, set, setMany } from 'idb-keyval';
import type { ClassDraft, Draft } from './draft.ts';

/** Classes as they are kept: their images are in a store of their own, each once. */
export interface KeptClass {
  readonly key: number;
  readonly label: string;
  readonly shots: readonly number[];
}
export type KeptDraft = readonly KeptClass[];

/** Classes that made room for others before they were made into a task. */
export interface Aside {
  readonly id: string;
  readonly createdAt: string;
  readonly classes: KeptDraft;
}

const files = createStore('m-nas-files', 'files');
const drafts = createStore('m-nas-drafts', 'drafts');
const current = 'current';

/** Images that are in the store, as far as this page knows. */
const stored = new Set<number>();

export const keptDraftOf = (draft: Draft): KeptDraft =>
  draft.map(({ key, label, shots }) => ({ key, label, shots: shots.map((shot) => shot.key) }));

/** Kept classes as `signatureOf` takes them. */
export const savedKeys = (kept: KeptDraft) =>
  kept.map(({ label, shots }) => ({ label, shots: shots.map((key) => ({ key })) }));

/**
 * What the storage gives; undefined where it is full or forbidden, which must not hide what the visitor works at. Browsers
 * differ in whether what is forbidden rejects or throws.
 */
export async function unlessForbidden<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch {
    return undefined;
  }
}

/** Keeps the images of classes. False where the browser keeps nothing more. */
export async function keepFiles(draft: Draft): Promise<boolean> {
  const news = draft.flatMap(({ shots }) => shots).filter(({ key }) => !stored.has(key));
  const done = await unlessForbidden(async () => {
    await setMany(
      news.map(({ key, file }) => [key, file]),
      files,
    );
    return true;
  });
  if (done) for (const { key } of news) stored.add(key);
  return done ?? false;
}

/** Kept classes with their images; those that storage has lost are left out. */
export async function openKept(kept: KeptDraft): Promise<Draft> {
  const open = async ({ key, label, shots }: KeptClass): Promise<ClassDraft> => {
    const found = await Promise.all(
      shots.map(async (shot) => ({
        key: shot,
        file: await unlessForbidden(() => get<File>(shot, files)),
      })),
    );
    for (const { key: shot, file } of found) if (file) stored.add(shot);
    return {
      key,
      label,
      shots: found.flatMap(({ key: shot, file }) => (file ? [{ key: shot, file }] : [])),
    };
  };
  return Promise.all(kept.map(open));
}

/** Keeps what is being put together, so that a reload does not lose it. */
export async function saveDraft(draft: Draft): Promise<void> {
  if (!(await keepFiles(draft))) return;
  await unlessForbidden(() => set(current, keptDraftOf(draft), drafts));
}

/** What was being put together when the page was left. */
export async function savedDraft(): Promise<Draft | undefined> {
  const kept = await unlessForbidden(() => get<KeptDraft>(current, drafts));
  return kept && openKept(kept);
}

/** The latest first. */
export async function asides(): Promise<readonly Aside[]> {
  const all = (await unlessForbidden(() => entries<string, Aside>(drafts))) ?? [];
  return all
    .flatMap(([name, aside]) => (name === current ? [] : [aside]))
    .sort((a, b) => b.createdAt.localeCompare(a.createdAt));
}

export const asideOf = (draft: Draft): Aside => ({
  id: `aside-${Date.now().toString(36)}`,
  createdAt: new Date().toISOString(),
  classes: keptDraftOf(draft),
});

export async function putAside(aside: Aside, draft: Draft): Promise<void> {
  await keepFiles(draft);
  await unlessForbidden(() => set(aside.id, aside, drafts));
}

export async function dropAside(id: string): Promise<void> {
  await unlessForbidden(() => del(id, drafts));
}

/** Frees images that nothing kept refers to any more; at the start of a visit, when nothing can be undone yet. */
export async function freeFiles(kept: readonly KeptDraft[]): Promise<void> {
  const draft = (await unlessForbidden(() => get<KeptDraft>(current, drafts))) ?? [];
  const used = new Set([...kept.flat(), ...draft].flatMap(({ shots }) => shots));
  for (const key of stored) used.add(key);
  const all = (await unlessForbidden(() => keys<number>(files))) ?? [];
  const unused = all.filter((key) => !used.has(key));
  await unlessForbidden(() => delMany(unused, files));
}
