import type { QueueEvents } from 'bullmq';
import type { Logger } from 'pino';
import { ServiceError } from '../errors/errors.ts';
import type { AdaptationReport } from '../ports.ts';
import { jobOf } from './job.ts';
import type { JobProgress, JobReturn, WorkQueue } from './job.ts';
import type { Link } from './link.ts';
import { errorOf, getCancelled, getOutcome } from './outcome.ts';
import type { Outcome } from './outcome.ts';

/** After which a run is looked at though no event came of it: events may be lost while Redis is away. */
const LOOK_MS = 2000;

/** A run that somebody here wants to know of. */
export interface Run {
  readonly jobId: string;
  readonly run: string;
}

interface Follower extends Run {
  readonly report: (event: AdaptationReport) => void;
  readonly settle: (outcome: Outcome) => void;
  readonly fail: (error: ServiceError) => void;
  /** events that were told */
  told: number;
}

/** How somebody follows a run. */
export interface Following {
  /** resolves once what is known of the run was told */
  readonly looked: Promise<void>;
  /** @throws ServiceError `queue-unavailable` where the run is gone without an outcome */
  readonly outcome: Promise<Outcome>;
  readonly stop: () => void;
}

/** Tells those who wait in this process how runs come along, wherever they are worked at. */
export class Followers {
  readonly #link: Link;
  readonly #queue: WorkQueue;
  readonly #logger: Logger;
  readonly #all = new Set<Follower>();
  readonly #timer: NodeJS.Timeout;

  /** @param learn is told what any job has cost that ended well */
  constructor(
    link: Link,
    queue: WorkQueue,
    events: QueueEvents,
    logger: Logger,
    learn: (done: JobReturn) => void,
  ) {
    this.#link = link;
    this.#queue = queue;
    this.#logger = logger;
    events.on('progress', ({ jobId, data }) => {
      const { run, events: told } = data as JobProgress;
      for (const follower of this.#of(jobId)) if (follower.run === run) tell(follower, told);
    });
    events.on('completed', ({ jobId, returnvalue }) => {
      learn(returnvalue as JobReturn);
      void this.#lookAt(this.#of(jobId));
    });
    events.on('failed', ({ jobId }) => void this.#lookAt(this.#of(jobId)));
    events.on('removed', ({ jobId }) => void this.#lookAt(this.#of(jobId)));
    this.#timer = setInterval(() => void this.#lookAt([...this.#all]), LOOK_MS);
    this.#timer.unref();
  }

  /** Follows a run; every event of it is told once, those that were among them. */
  follow({ jobId, run }: Run, report: (event: AdaptationReport) => void): Following {
    let settle!: (outcome: Outcome) => void;
    let fail!: (error: ServiceError) => void;
    const outcome = new Promise<Outcome>((resolve, reject) => {
      settle = resolve;
      fail = reject;
    });
    const follower: Follower = { jobId, run, report, settle, fail, told: 0 };
    const stop = () => void this.#all.delete(follower);
    this.#all.add(follower);
    outcome.then(stop, stop);
    return { outcome, stop, looked: this.#lookAt([follower]) };
  }

  close(): void {
    clearInterval(this.#timer);
    this.#all.clear();
  }

  #of(jobId: string): Follower[] {
    return [...this.#all].filter((follower) => follower.jobId === jobId);
  }

  /** Where that fails the next look is not far. */
  async #lookAt(followers: readonly Follower[]): Promise<void> {
    const looks = followers.map((follower) =>
      this.#look(follower).catch((error: unknown) =>
        this.#logger.debug({ err: error, run: follower.run }, 'a run cannot be looked at'),
      ),
    );
    await Promise.all(looks);
  }

  /** Where the run stands. Its outcome is written before its job goes, so it is looked for after that. */
  async #look(follower: Follower): Promise<void> {
    const { jobId, run } = follower;
    const job = await jobOf(this.#link, this.#queue, jobId);
    if (job?.data.run === run) {
      if (typeof job.progress === 'object') tell(follower, (job.progress as unknown as JobProgress).events);
      return;
    }
    const outcome = await this.#link.ask((client) => getOutcome(client, run));
    if (outcome) {
      tell(follower, outcome.events);
      follower.settle(outcome);
      return;
    }
    const [cancelled] = await this.#link.ask((client) => getCancelled(client, [run]));
    follower.fail(cancelled ?? lost());
  }
}

const lost = () =>
  new ServiceError('queue-unavailable', {
    detail: 'The queue does not know of the work any more: it was emptied. Ask for it again.',
  });

function tell(follower: Follower, events: readonly unknown[]): void {
  for (const event of events.slice(follower.told)) {
    follower.told++;
    follower.report(event as AdaptationReport);
  }
}

/** What a run gave. @throws ServiceError that ended it */
export function resultOf({ result, error }: Outcome): unknown {
  if (error) throw errorOf(error);
  return result;
}
