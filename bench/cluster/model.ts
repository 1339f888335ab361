import { makespan, subtreeSize } from '../../training/cluster/plan.ts';

/** What the time of an iteration is made of, as measured. */
export interface IterationCosts {
  /** Seconds of one task on one thread. */
  readonly task: number;
  /** Seconds that an iteration takes beside its tasks and what is sent: sums, the step of Adam, turns of the queue. */
  readonly rest: number;
  /** Bytes of Θ, and of a sum. */
  readonly bytes: number;
}

/** What a cluster is expected to do. */
export interface Expected {
  readonly machines: number;
  readonly parts: number;
  /** Megabytes that an iteration sends. */
  readonly megabytes: number;
  readonly seconds: number;
  /** How many times faster than one machine. */
  readonly speedup: number;
}

/**
 * The time of an iteration of `tasks` tasks on machines of `threads` threads, the trainer among them. Redis stands beside the
 * trainer, so that what the others fetch and send shares its link of `megabits` a second: Θ once a machine before they
 * begin, a sum a part after. Computing and sending do not overlap in the model, so that it tells too much time, not too
 * little.
 */
export function expectIteration(
  { task, rest, bytes }: IterationCosts,
  {
    tasks,
    machines,
    threads,
    megabits,
  }: {
    readonly tasks: number;
    readonly machines: number;
    readonly threads: number;
    readonly megabits: number;
  },
): Expected {
  const alone = makespan(tasks, tasks, [threads]) * task + rest;
  const all = Array.from({ length: machines }, () => threads);
  const size = subtreeSize(tasks, all);
  const parts = Math.ceil(tasks / size);
  if (machines === 1 || parts === 1) return { machines, parts: 1, megabytes: 0, seconds: alone, speedup: 1 };
  const others = Math.min(machines, parts) - 1;
  const sent = others * bytes + Math.round((parts * others) / (others + 1)) * bytes;
  const seconds = makespan(tasks, size, all) * task + (8 * sent) / (megabits * 1e6) + rest;
  return { machines, parts, megabytes: sent / 1e6, seconds, speedup: alone / seconds };
}
