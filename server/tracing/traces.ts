import type { RequestHandler } from 'express';

/** Work that has ended, as a part of what a request takes; times are those of `performance.now()`. */
export interface EndedWork {
  /** of few values: no id, nothing that a client has sent */
  readonly name: string;
  readonly startedAt: number;
  readonly endedAt: number;
  /** `done`, or how it failed in a word */
  readonly outcome: string;
}

/** Headers of W3C Trace Context, by which work elsewhere belongs to a trace; none where there is no trace. */
export type TraceHeaders = Readonly<Record<string, string>>;

/** Work that another process has put off for this one. */
export interface CarriedWork {
  /** of few values: no id, nothing that a client has sent */
  readonly name: string;
  /** `Traces.headers` of who has put it off */
  readonly headers: TraceHeaders;
  /** when it was put off, milliseconds since 1970 by the clock of who did; absent where it was begun before */
  readonly askedAt?: number | undefined;
  /** whose abort is no failure: the work is not wanted any more, or not here */
  readonly signal: AbortSignal;
}

/** Tells a collector where the time of requests goes. */
export interface Traces {
  /** Makes a request a span, to which all belongs that its handlers note. */
  readonly middleware: RequestHandler;
  /** Notes work of the request in whose asynchronous context it is called; outside of any it does nothing. */
  readonly note: (work: EndedWork) => void;
  /** Headers by which another server can continue the trace of the current request. */
  readonly headers: () => TraceHeaders;
  /** Does work of a request of another process as a span of that request's trace, to which all belongs that it notes. */
  readonly carriedOn: <Result>(carried: CarriedWork, work: () => Promise<Result>) => Promise<Result>;
  /** Sends what is not sent yet, within a few seconds, and ends. Never rejects. */
  readonly close: () => Promise<void>;
}

/** Tracing that is off. */
export const noTraces: Traces = {
  middleware: (_request, _response, next) => next(),
  note: () => undefined,
  headers: () => ({}),
  carriedOn: (_carried, work) => work(),
  close: () => Promise.resolve(),
};

/** The same work, whose calls are noted with how they end. */
export function noted<Parameters extends readonly unknown[], Result>(
  { note }: Pick<Traces, 'note'>,
  name: string,
  work: (...parameters: Parameters) => Promise<Result>,
): (...parameters: Parameters) => Promise<Result> {
  return async (...parameters) => {
    const startedAt = performance.now();
    let outcome = 'failed';
    try {
      const result = await work(...parameters);
      outcome = 'done';
      return result;
    } finally {
      note({ name, startedAt, endedAt: performance.now(), outcome });
    }
  };
}
