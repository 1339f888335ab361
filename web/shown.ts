import type { ClassFiles } from './api.ts';
import { classesOf, signatureOf } from './draft.ts';
import type { Draft } from './draft.ts';
import type { MadeTask, Place } from './task.ts';

/** The classes that a task was made of, and the one place that may have their images. */
export interface Source {
  readonly place: Place;
  readonly draft: Draft;
}

/** What the page shows, all of it of one task. */
export interface Shown {
  readonly task: MadeTask;
  /** unknown of a task that was made elsewhere */
  readonly source?: Source | undefined;
  /** new images that it is tried with */
  readonly queries: readonly File[];
}

/** What a run ends in. Without `queries` those that are shown stay. */
export type Outcome = Omit<Shown, 'queries'> & { readonly queries?: readonly File[] | undefined };

/** Images that were tried on this device stay on it: a task of the service does not take them over. */
export function shownAfter(before: Shown | undefined, { task, source, queries }: Outcome): Shown {
  const leaves = before?.task.place === 'device' && task.place === 'server';
  return { task, source, queries: queries ?? (leaves ? [] : (before?.queries ?? [])) };
}

/** The images that the task may be made of again, where it was made. */
export const sourceClasses = ({
  task,
  source,
}: Pick<Shown, 'task' | 'source'>): readonly ClassFiles[] | undefined =>
  source?.place === task.place ? classesOf(source.draft) : undefined;

/** Whether the classes have changed since the task was made of them. */
export const isStale = ({ source }: Pick<Shown, 'source'>, draft: Draft): boolean =>
  source !== undefined && signatureOf(source.draft) !== signatureOf(draft);
