import type { ClassFiles } from './api.ts';
import type { MadeTask, Place } from './task.ts';

/** The images that a task was made of, and the one place that may have them. */
export interface Source {
  readonly place: Place;
  readonly classes: readonly ClassFiles[];
}

/** What the page shows, all of it of one task. */
export interface Shown {
  readonly task: MadeTask;
  /** unknown of tasks that are opened again */
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
export const classesOf = ({
  task,
  source,
}: Pick<Shown, 'task' | 'source'>): readonly ClassFiles[] | undefined =>
  source?.place === task.place ? source.classes : undefined;
