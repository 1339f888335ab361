import type { Request, RequestHandler } from 'express';
import { ServiceError } from '../errors/errors.ts';

/** Methods that change nothing. */
const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses what changes something at the wish of another origin's page: a browser asks before most of it (CORS), but sends
 * a form to any address that it reaches, such as a service on the visitor's own machine. Who sends no Origin is no page.
 */
export function refuseForeign(allowed: readonly string[]): RequestHandler {
  return (request, _response, next) => {
    const origin = request.get('Origin');
    if (safe.has(request.method) || origin === undefined || isOwn(request, origin)) next();
    else if (allowed.includes('*') || allowed.includes(origin)) next();
    else
      throw new ServiceError('forbidden-origin', {
        detail: `A page of ${JSON.stringify(origin)} may not use this service.`,
      });
  };
}

/** Whether a page of the service itself asks; behind a proxy that gives it another Host only the browser can tell. */
const isOwn = (request: Request, origin: string): boolean =>
  request.get('Sec-Fetch-Site') === 'same-origin' ||
  (URL.canParse(origin) && new URL(origin).host === request.get('Host'));
