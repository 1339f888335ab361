import { duration } from '../run/duration.ts';

/**
 * Tells on one line of stderr how many tasks are done, and how long the rest takes at the pace since the first of them.
 *
 * @param every tasks from one line to the next; the last task has one, too
 * @param now milliseconds of a clock that only goes forward
 */
export function taskProgress(
  tasks: string,
  every: number,
  now: () => number = () => performance.now(),
): (done: number, total: number) => void {
  let first: { readonly at: number; readonly done: number } | undefined;
  return (done, total) => {
    if (first === undefined || done <= first.done) first = { at: now(), done };
    if (done % every !== 0 && done !== total) return;
    const pace = (now() - first.at) / 1000 / (done - first.done);
    const words = done < total && Number.isFinite(pace) ? ` | ETA ${duration(pace * (total - done))}` : '';
    // as wide as a longer line before it
    process.stderr.write(`\r${`${done} of ${total} ${tasks}${words}`.padEnd(48)}`);
  };
}
