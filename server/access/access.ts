import cors from 'cors';
import type { Express, Request, RequestHandler, Response } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';
import helmet from 'helmet';
import { ServiceError } from '../errors/errors.ts';
import { identify, permits } from './keys.ts';
import type { ApiKey, KeySource, Scope } from './keys.ts';

/** Who may use the service, and how much. */
export interface AccessOptions {
  /** absent: everybody may */
  readonly keys?: KeySource | undefined;
  /** requests of one client in the window; 0 for no limit */
  readonly requests: number;
  readonly windowSeconds: number;
  /** proxies in front of the service whose X-Forwarded-For is believed */
  readonly proxies: number;
  /** origins whose pages may call the service; `*` for every one */
  readonly origins: readonly string[];
}

/** What needs a key, and what counts: not the probes, nor the page and the documentation. */
const guarded = /^\/(v1|v2|metrics)(\/|$)/;
/** Probes of the Open Inference Protocol, for an orchestrator without a key. */
const probes = /^\/v2\/health\//;
/** A scraper is no client that a limit would help against. */
const unlimited = /^\/metrics(\/|$)/;

/** Headers of answers that a page of another origin may read. */
const exposed = [
  'Content-Digest',
  'Content-Disposition',
  'Content-Range',
  'ETag',
  'Inference-Header-Content-Length',
  'Location',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Policy',
  'Repr-Digest',
  'Retry-After',
  'X-Request-Id',
];

const apiKeyOf = (response: Response): ApiKey | undefined =>
  (response.locals as { readonly apiKey?: ApiKey }).apiKey;

/** The name of the key that a request came with. */
export const clientOf = (response: Response): string | undefined => apiKeyOf(response)?.name;

/** Whose tasks a request may use. */
export interface Owner {
  readonly name: string;
  /** those of every owner */
  readonly every: boolean;
}

/** The owner of the key that a request came with; none where there are no keys. */
export function ownerOf({ res: response }: Pick<Request, 'res'>): Owner | undefined {
  const key = response && apiKeyOf(response);
  return key && { name: key.name, every: key.scope === 'admin' };
}

/** Whom a request counts for: the name of its key, for a stranger its address (of IPv6 its network). */
export function callerOf({ ip, res: response }: Pick<Request, 'ip' | 'res'>): string {
  const client = response && clientOf(response);
  return client === undefined ? `address ${ipKeyGenerator(ip ?? '')}` : `key ${client}`;
}

/** Guards what is registered after it: headers, CORS, keys and limits, in this order. */
export function guard(app: Express, options: AccessOptions): void {
  app.set('trust proxy', options.proxies);
  app.use(securityHeaders());
  if (options.origins.length > 0) app.use(crossOrigin(options.origins));
  if (options.keys) app.use(recognise(options.keys));
  if (options.requests > 0) app.use(limitRate(options));
  if (options.keys) app.use(requireKey);
}

/** For answers that are data. What serves a page to a browser sets a policy of its own. */
function securityHeaders(): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    // a promise about the whole domain, which only the proxy that has the certificate can make
    strictTransportSecurity: false,
  });
}

function crossOrigin(origins: readonly string[]): RequestHandler {
  const origin = origins.includes('*') ? '*' : [...origins];
  return cors<Request>((request, callback) =>
    callback(null, {
      origin,
      methods: ['GET', 'HEAD', 'POST', 'DELETE'],
      exposedHeaders: exposed,
      maxAge: 600, // seconds that a browser keeps the answer to a preflight
      // an OPTIONS that is no preflight is answered by its route
      preflightContinue: request.headers['access-control-request-method'] === undefined,
    }),
  );
}

/** Notes the request's key, if it has one that is known. */
function recognise(keys: KeySource): RequestHandler {
  return (request, response, next) => {
    const presented = keyOf(request);
    if (presented !== undefined) response.locals['apiKey'] = identify(keys.current, presented);
    next();
  };
}

/** `Authorization: Bearer KEY`, else `X-API-Key: KEY`. */
function keyOf(request: Request): string | undefined {
  const [, bearer] = /^Bearer +(\S+) *$/i.exec(request.get('Authorization') ?? '') ?? [];
  return bearer ?? request.get('X-API-Key');
}

const requireKey: RequestHandler = (request, response, next) => {
  const free = !guarded.test(request.path) || probes.test(request.path) || request.method === 'OPTIONS';
  if (!free) checkKey(apiKeyOf(response), neededFor(request));
  next();
};

/** @throws ServiceError `unauthorized`, `missing-scope` */
function checkKey(key: ApiKey | undefined, needed: Scope): void {
  if (!key)
    throw new ServiceError('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer realm="m-nas"' } });
  if (!permits(key.scope, needed))
    throw new ServiceError('missing-scope', {
      detail: `The key has the scope ${key.scope}, and this takes ${needed}.`,
    });
}

/** What only uses a task, though it is a POST. */
const uses = /\/(predictions|evaluations|infer)\/?$/;

/** The scope that a request takes; of whose task it is, the task tells. */
const neededFor = ({ method, path }: Request): Scope =>
  method === 'DELETE' || (method === 'POST' && !uses.test(path)) ? 'write' : 'read';

/** Counts requests by caller, in this process's memory. */
function limitRate({ requests, windowSeconds }: AccessOptions): RequestHandler {
  return rateLimit({
    windowMs: windowSeconds * 1000,
    limit: requests,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    identifier: 'requests',
    validate: { xForwardedForHeader: false, forwardedHeader: false },
    skip: ({ path }) => !guarded.test(path) || probes.test(path) || unlimited.test(path),
    keyGenerator: callerOf,
    handler: (_request, _response, next) =>
      next(
        new ServiceError('rate-limited', {
          detail: `${requests} requests are allowed in ${windowSeconds} seconds.`,
        }),
      ),
  });
}
