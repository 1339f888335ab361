import { LRUCache } from 'lru-cache';
import type { ServiceError } from '../errors/errors.ts';
import type { AdaptationReport, Kind } from '../ports.ts';
import type { TaskRecord } from '../storage/record.ts';

/** What is known of a task before it is made. */
export interface TaskOutline {
  readonly id: string;
  readonly kind: Kind;
  /** inner steps */
  readonly steps: number;
  /** of the request that asks for the task */
  readonly requestId: string;
}

/** An event in the making of a task; the last one is `ready` or `failed`. */
export type ProgressEvent =
  | AdaptationReport
  /** the task is stored */
  | { readonly kind: 'ready'; readonly record: TaskRecord }
  | { readonly kind: 'failed'; readonly error: ServiceError };

/** Whether nothing comes after the event. */
export const isLast = ({ kind }: ProgressEvent): boolean => kind === 'ready' || kind === 'failed';

type Listener = (event: ProgressEvent, index: number) => void;

/** How the making of one task comes along: its events so far, and those to come. */
export class TaskProgress {
  readonly outline: TaskOutline;
  /** resolves when the queue has taken the adaptation; never where there is none */
  readonly accepted: Promise<void>;
  readonly #events: ProgressEvent[] = [];
  readonly #listeners = new Set<Listener>();
  #accept!: () => void;

  constructor(outline: TaskOutline) {
    this.outline = outline;
    this.accepted = new Promise((resolve) => (this.#accept = resolve));
  }

  get events(): readonly ProgressEvent[] {
    return this.#events;
  }

  get ended(): boolean {
    return this.#events.some(isLast);
  }

  add(event: ProgressEvent): void {
    const index = this.#events.push(event) - 1;
    if (event.kind === 'accepted') this.#accept();
    for (const listener of this.#listeners) listener(event, index);
  }

  /** Tells the events from `first` on, those that were and those to come. Returns what ends it. */
  follow(first: number, listener: Listener): () => void {
    this.#events.forEach((event, index) => {
      if (index >= first) listener(event, index);
    });
    if (!this.ended) this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Ended ones that are kept for those who ask late; the one that nobody has asked for longest goes. */
const kept = 1000;

/** The progress of every task that is being made, and of those that were made or failed lately. */
export class Progresses {
  readonly #running = new Map<string, TaskProgress>();
  readonly #ended = new LRUCache<string, TaskProgress>({ max: kept });

  get(id: string): TaskProgress | undefined {
    return this.#running.get(id) ?? this.#ended.get(id);
  }

  /** The one under way. */
  running(id: string): TaskProgress | undefined {
    return this.#running.get(id);
  }

  /** Keeps of a plan its outline alone: with the plan the whole support set would stay in memory. */
  open({ id, kind, steps, requestId }: TaskOutline): TaskProgress {
    const progress = new TaskProgress({ id, kind, steps, requestId });
    this.#running.set(id, progress);
    return progress;
  }

  /** For a task that turns out to be there: what was known of its making stays. */
  drop(id: string): void {
    this.#running.delete(id);
  }

  /** Adds the last event. */
  end(progress: TaskProgress, last: Extract<ProgressEvent, { kind: 'ready' | 'failed' }>): void {
    const { id } = progress.outline;
    this.#running.delete(id);
    this.#ended.set(id, progress);
    progress.add(last);
  }

  /** For a task that was removed. */
  forget(id: string): void {
    this.#ended.delete(id);
  }
}
