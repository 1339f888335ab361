import { createStore, del, entries, set } from 'idb-keyval';
import type { ClassFiles } from './api.ts';
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
  /** the whole task, of those that no service has */
  readonly task?: MadeTask;
}

const store = createStore('m-nas', 'tasks');
const shownClasses = 4;
const pictureSide = 96;

/** The latest first; none where the browser keeps nothing, as in some private windows. */
export async function keptTasks(): Promise<readonly Kept[]> {
  const all = await unlessForbidden(() => entries<string, Kept>(store));
  return (all ?? []).map(([, kept]) => kept).sort((a, b) => b.createdAt.localeCompare(a.createdAt));
}

/** Remembers a task with pictures of what it was made of. */
export async function keep(task: MadeTask, classes: readonly ClassFiles[]): Promise<void> {
  const firsts = classes.flatMap(({ files }) => files.slice(0, 1)).slice(0, shownClasses);
  const pictures = await Promise.all(firsts.map(smallPicture));
  const { id, place, createdAt, labels, checkpoint, embedding } = task;
  const kept: Kept = {
    id,
    place,
    createdAt,
    labels,
    checkpoint,
    embedding,
    pictures: pictures.flatMap((picture) => picture ?? []),
    ...(place === 'device' && { task }),
  };
  await unlessForbidden(() => set(id, kept, store));
}

export async function forget(id: string): Promise<void> {
  await unlessForbidden(() => del(id, store));
}

/**
 * What the storage gives; undefined where it is full or forbidden, which must not hide the task that was just made. Browsers
 * differ in whether what is forbidden rejects or throws.
 */
async function unlessForbidden<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch {
    return undefined;
  }
}

/** Undefined for a format that the browser cannot read. */
async function smallPicture(file: Blob): Promise<Blob | undefined> {
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (!bitmap) return undefined;
  const side = Math.min(bitmap.width, bitmap.height);
  const canvas = new OffscreenCanvas(pictureSide, pictureSide);
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, pictureSide, pictureSide);
  const [left, top] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
  context.drawImage(bitmap, left, top, side, side, 0, 0, pictureSide, pictureSide);
  bitmap.close();
  return canvas.convertToBlob({ type: 'image/jpeg', quality: 0.85 });
}
