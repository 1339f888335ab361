import type { AdaptationReport } from '../ports.ts';
import type { JobProgress, WorkJob } from './job.ts';

/**
 * Tells the events of a run to whoever follows it, wherever. A run that is begun again, since its worker died, tells no event
 * twice: the same order gives the same events.
 */
export class ProgressTeller {
  readonly #job: WorkJob;
  readonly #events: AdaptationReport[];
  /** events of this beginning */
  #seen = 0;
  #telling: Promise<void> | undefined;

  constructor(job: WorkJob) {
    this.#job = job;
    const before = job.progress as unknown as JobProgress | number;
    this.#events = typeof before === 'object' ? [...(before.events as readonly AdaptationReport[])] : [];
  }

  get events(): readonly AdaptationReport[] {
    return this.#events;
  }

  /** That it was accepted is told by who puts it into the queue. */
  readonly report = (event: AdaptationReport): void => {
    if (event.kind === 'accepted') return;
    this.#seen++;
    if (this.#seen <= this.#events.length) return;
    this.#events.push(event);
    this.#telling ??= this.#tell().finally(() => (this.#telling = undefined));
  };

  /** Resolves when nothing is being told. */
  async quiet(): Promise<void> {
    while (this.#telling) await this.#telling;
  }

  /** What comes while Redis is told goes with the next message. */
  async #tell(): Promise<void> {
    for (let told = -1; told !== this.#events.length;) {
      told = this.#events.length;
      const progress: JobProgress = { run: this.#job.data.run, events: this.#events };
      // a lost message is none: all events stand in the next one, and in the outcome
      await this.#job.updateProgress(progress).catch(() => undefined);
    }
  }
}
