/** How much longer than the shortest plan one may take that has fewer parts. */
const slack = 1.1;
/** Most parts a machine: what is sent grows with machines, not with tasks. */
const mostParts = 4;

/**
 * How long a meta-batch takes, in times of one task, when machines take subtrees of `size` tasks one after another, each as
 * soon as it is free. A machine computes as many tasks at a time as it has threads.
 */
export function makespan(tasks: number, size: number, threads: readonly number[]): number {
  const free = threads.map(() => 0);
  for (let first = 0; first < tasks; first += size) {
    const count = Math.min(size, tasks - first);
    const ends = free.map((time, i) => time + Math.ceil(count / threads[i]!));
    const next = ends.indexOf(Math.min(...ends));
    free[next] = ends[next]!;
  }
  return Math.max(...free);
}

/**
 * Tasks of the subtrees that a meta-batch is handed out in, a power of two: the largest whose time is near to the best. A
 * part is sent as one sum, so that large ones spare bytes, and small ones are shared out more evenly. The bits do not
 * depend on it.
 * @param threads of each machine that takes part
 */
export function subtreeSize(tasks: number, threads: readonly number[]): number {
  const sizes: number[] = [];
  for (let size = 1; size < 2 * tasks; size *= 2)
    if (Math.ceil(tasks / size) <= mostParts * threads.length) sizes.push(size);
  const times = sizes.map((size) => makespan(tasks, size, threads));
  const best = Math.min(...times);
  return sizes[times.findLastIndex((time) => time <= slack * best)]!;
}
