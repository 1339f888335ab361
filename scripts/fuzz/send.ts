import { request } from 'node:http';
import type { Case } from './cases.ts';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Buffer;
}

/** Sends a case as it is. @throws Error when there is no answer within the time, or the connection is cut before it */
export function send(base: string, { method, path, headers, body }: Case, seconds: number): Promise<Answer> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        hostname,
        port,
        method,
        path,
        headers: { ...headers, ...(body && { 'Content-Length': body.length }) },
        agent: false, // one that is kept alive may be closed by the service just when it is used again
        signal: AbortSignal.timeout(seconds * 1000),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'] ?? '',
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** What is wrong with an answer, whatever was asked; undefined when nothing is. */
export function faultOf({ method, path }: Case, { status, type, body }: Answer): string | undefined {
  if (status >= 500 && status !== 501) return `status ${status}: ${body.toString('utf8', 0, 500)}`;
  if (status < 400 || method === 'HEAD') return undefined;
  const isInference = /^\/v2(\/|\?|$)/.test(path);
  const expected = isInference ? 'application/json' : 'application/problem+json';
  if (!type.startsWith(expected)) return `status ${status} as ${type || 'nothing'} instead of ${expected}`;
  const member = isInference ? 'error' : 'code';
  try {
    const document = JSON.parse(body.toString()) as Readonly<Record<string, unknown>>;
    return typeof document[member] === 'string' ? undefined : `an error document without ${member}`;
  } catch {
    return 'an error document that is not JSON';
  }
}
