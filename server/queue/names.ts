/** What all names of the queue begin with; one slot of a cluster, since BullMQ's scripts touch several names at once. */
export const PREFIX = '{m-nas:queue}';
/** The one queue of all kinds of work: they share the workers. */
export const QUEUE = 'work';

const name = (...parts: readonly string[]): string => [PREFIX, ...parts].join(':');

/** The names of what stands beside BullMQ's own. A run is one life of a job, from its taking on to its outcome. */
export const names = {
  /** the order, in parts */
  input: (run: string) => name('input', run),
  /** how the run ended */
  outcome: (run: string) => name('outcome', run),
  /** the error of whoever gave the run up */
  cancelled: (run: string) => name('cancelled', run),
  /** replicas whose clients wait for the run */
  waiters: (run: string) => name('waiters', run),
  /** the run of a job that ended last */
  latest: (jobId: string) => name('latest', jobId),
  /** what clients were given, in virtual time */
  shares: name('shares'),
  /** the virtual time */
  now: name('now'),
  /** there while a replica lives */
  replica: (id: string) => name('replica', id),
  /** ids of worker processes, and what each tells while it lives */
  workers: name('workers'),
  worker: (id: string) => name('worker', id),
};

/** Seconds after which an order goes with everything beside it, should its job be lost. */
export const ORDER_SECONDS = 7 * 86_400;
/** Seconds for which those who ask late are told how a run ended. */
export const OUTCOME_SECONDS = 3600;
/** How often replicas and workers tell that they live, and for how long that holds. */
export const ALIVE_MS = 3000;
export const ALIVE_SECONDS = 10;
/** Milliseconds after which a worker that says nothing counts as dead. Its job goes to another one up to STALLED_MS later. */
export const LEASE_MS = 10_000;
export const STALLED_MS = 5000;
/** How often a job may lose its worker: what kills three of them is at fault itself. */
export const MOST_DEATHS = 2;
