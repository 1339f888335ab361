import autocannon from 'autocannon';
import type { Body } from './photos.ts';

/** Times in milliseconds, as the client sees them. */
export interface Times {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly worst: number;
}

export interface Load extends Times {
  readonly perSecond: number;
  /** answers that are no 2xx, and connections that failed */
  readonly failed: number;
}

export function timesOf(values: readonly number[]): Times {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), worst: at(1) };
}

export interface LoadPlan {
  readonly url: string;
  readonly body?: Body;
  readonly connections: number;
  /** how long, or how many requests */
  readonly seconds?: number;
  readonly requests?: number;
}

/** The same request again and again on every connection. */
export async function load({ url, body, connections, seconds, requests }: LoadPlan): Promise<Load> {
  const times: number[] = [];
  const started = performance.now();
  const options = {
    url,
    connections,
    ...(seconds === undefined ? {} : { duration: seconds }),
    ...(requests === undefined ? {} : { amount: requests }),
    ...(body && { method: 'POST' as const, headers: { 'content-type': body.type }, body: body.bytes }),
    timeout: 300,
  };
  const { non2xx, errors } = await new Promise<autocannon.Result>((resolve, reject) => {
    const run = autocannon(options, (error: Error | null, result) =>
      error ? reject(error) : resolve(result),
    );
    run.on('response', (_client, _status, _bytes, responseTime) => times.push(responseTime));
  });
  const elapsed = (performance.now() - started) / 1000;
  return { ...timesOf(times), perSecond: times.length / elapsed, failed: non2xx + errors };
}

/** One request: its answer and its time. @throws Error when it is refused */
export async function post(
  url: string,
  body: Body,
): Promise<{ ms: number; answer: Record<string, unknown> }> {
  const start = performance.now();
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': body.type },
    body: Uint8Array.from(body.bytes),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  if (!response.ok) throw new Error(`${url}: ${response.status} ${JSON.stringify(answer)}`);
  return { ms: performance.now() - start, answer };
}
