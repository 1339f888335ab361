import type { RunHost } from '../outer-loop/gradient-host.ts';
import type { GradientResult } from '../outer-loop/gradient-job.ts';
import type { TaskRange } from '../outer-loop/mean-gradient.ts';
import { computeGradients } from '../outer-loop/meta-batch.ts';
import type { BatchPayload } from '../outer-loop/meta-batch.ts';
import type { Pace } from './pace.ts';

/** A part of a meta-batch that has no sum yet. */
interface Open {
  readonly range: TaskRange;
  /** When it was handed out, and when a machine has begun with it, `performance.now()`. */
  handedOut: number;
  since?: number;
  /** How often it was handed out. */
  attempts: number;
  /** Set while this machine computes it. */
  here?: AbortController;
}

/** One meta-batch on its way: parts that are open, computed here or elsewhere. The first sum of a part is the one. */
export class Batch {
  readonly payload: BatchPayload;
  /** Machines whose sums were used. */
  readonly hosts = new Set<string>();
  away = 0;
  again = 0;
  readonly #host: RunHost;
  readonly #pace: Pace;
  readonly #open: Map<number, Open>;
  readonly #results: GradientResult[] = [];
  /** Sums of other machines, by their first tasks. */
  readonly #sums = new Map<number, Float32Array>();
  readonly #running = new Set<Promise<void>>();
  readonly #ended: Promise<void>;
  #end!: { readonly resolve: () => void; readonly reject: (error: unknown) => void };

  constructor(host: RunHost, payload: BatchPayload, parts: readonly TaskRange[], pace: Pace) {
    this.#host = host;
    this.payload = payload;
    this.#pace = pace;
    this.#open = new Map(parts.map((range) => [range.first, { range, handedOut: 0, attempts: 0 }]));
    this.#ended = new Promise((resolve, reject) => (this.#end = { resolve, reject }));
    this.#ended.catch(() => undefined); // `results` tells it
  }

  /** Parts without a sum. */
  get open(): readonly TaskRange[] {
    return [...this.#open.values()].map(({ range }) => range);
  }

  /** Whether a part has no sum yet. */
  isOpen(first: number): boolean {
    return this.#open.has(first);
  }

  /** Whether this machine computes a part. */
  get computing(): boolean {
    return this.#running.size > 0;
  }

  /**
   * A part is handed out for the first time, or `again`: gives which time that is; undefined where it is not open. The same
   * time may be told twice, where Redis has been away.
   */
  handOut(first: number, again: boolean): number | undefined {
    const part = this.#open.get(first);
    if (!part) return undefined;
    if (again) part.attempts++;
    part.attempts ||= 1;
    part.handedOut = performance.now();
    delete part.since;
    return part.attempts;
  }

  /** A machine has begun with a part. */
  begun(first: number): void {
    const part = this.#open.get(first);
    if (part) part.since = performance.now();
  }

  /**
   * Parts that another machine has had for longer than the pace of the run allows, or of which nothing was heard for as
   * long as all of them may take.
   */
  get late(): readonly TaskRange[] {
    const now = performance.now();
    const all = this.payload.stage.metaBatch ?? this.#host.gradients.length;
    return [...this.#open.values()]
      .filter(({ since, handedOut, here, range, attempts }) => {
        if (here) return false;
        const spent = now - (since ?? handedOut);
        return spent > attempts * this.#pace.patience(since === undefined ? all : range.count);
      })
      .map(({ range }) => range);
  }

  /** The sum of a part from another machine. Gives whether it was open. */
  accept(first: number, from: string, results: readonly GradientResult[], sum: Float32Array): boolean {
    const part = this.#open.get(first);
    if (!part) return false;
    if (results.length !== part.range.count || sum.length !== this.#host.gradients[0]!.length)
      throw new Error(`a sum of ${sum.length} numbers, ${results.length} tasks`);
    this.#sums.set(first, sum);
    this.away++;
    if (part.since !== undefined) this.#pace.note(part.range.count, performance.now() - part.since);
    part.here?.abort();
    this.#close(part, from, results);
    return true;
  }

  /** Computes a part on this machine, unless it has its sum or is being computed here. */
  async computeHere(first: number): Promise<void> {
    const part = this.#open.get(first);
    if (!part || part.here) return;
    part.here = new AbortController();
    const running = this.#compute(part, part.here.signal);
    this.#running.add(running);
    await running.finally(() => this.#running.delete(running));
  }

  /** The results of all tasks in their order, once every part has its sum at the position of its first task. */
  async results(): Promise<readonly GradientResult[]> {
    await this.#ended;
    await Promise.all(this.#running); // a part that came from elsewhere meanwhile, whose tasks still write
    for (const [first, sum] of this.#sums) this.#host.gradients[first]!.set(sum);
    return this.#results;
  }

  async #compute(part: Open, signal: AbortSignal): Promise<void> {
    const began = performance.now();
    const { threads } = this.#host;
    try {
      const results = await computeGradients(this.#host, this.payload, part.range, { threads, signal });
      if (!this.#open.has(part.range.first)) return;
      this.#pace.note(part.range.count, performance.now() - began);
      this.#close(part, '', results);
    } catch (error) {
      if (!signal.aborted) this.#end.reject(error);
    }
  }

  #close({ range }: Open, from: string, results: readonly GradientResult[]): void {
    this.#open.delete(range.first);
    this.hosts.add(from);
    results.forEach((result, i) => (this.#results[range.first + i] = result));
    if (this.#open.size === 0) this.#end.resolve();
  }
}
