import { randomUUID } from 'node:crypto';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { clientOf } from '../access/access.ts';
import { ClientGoneError, whenOver } from './client.ts';
import { catalogue } from '../errors/error-catalogue.ts';
import { asServiceError, problemOf } from '../errors/errors.ts';
import type { ErrorCode } from '../errors/errors.ts';
import { sendJson } from './json.ts';
import { inferenceErrorOf, isInference } from '../errors/inference-error.ts';

const requestIdHeader = 'X-Request-Id';
const problemType = 'application/problem+json';
/** What a caller may send as its own id: nothing that could forge a line of the log. */
const plainToken = /^[\w.-]{1,64}$/;
const probes: ReadonlySet<string> = new Set(['/healthz', '/readyz', '/metrics']);
/** How long the rest of a refused body is read and dropped, so that its sender gets to see the answer. */
const lingerMs = 5000;

/** The id that the request was given. */
export function requestIdOf(response: Response): string {
  return String(response.getHeader(requestIdHeader));
}

/** Whether a path is asked for every few seconds, for ever. */
export const isProbe = (path: string): boolean => probes.has(path);

/** The pattern of the route that takes a request, without any id; undefined where none does. */
export const routeOf = (request: Request): string | undefined =>
  (request.route as { readonly path: string } | undefined)?.path;

/** The trace that a request belongs to, where requests are traced. */
const traceIdOf = ({ locals }: Response): string | undefined =>
  (locals as { readonly traceId?: string }).traceId;

/** The code of the error that a request was answered with. */
export function codeAnswered(response: Response): ErrorCode | undefined {
  return (response.locals as { readonly code?: ErrorCode }).code;
}

/** Gives every request an id and one line in the log: no query, no headers, no names of files or labels. */
export function requestLog(logger: Logger): RequestHandler {
  return (request, response, next) => {
    const given = request.get(requestIdHeader);
    const id = given !== undefined && plainToken.test(given) ? given : randomUUID();
    const { method, path } = request;
    const startedAt = performance.now();
    response.set(requestIdHeader, id);
    whenOver(request, response, () => {
      const ms = Math.round(performance.now() - startedAt);
      const client = clientOf(response); // the name of its key, never the key
      const traceId = traceIdOf(response);
      const line = {
        requestId: id,
        method,
        path,
        status: response.statusCode,
        ms,
        ...(client && { client }),
        ...(traceId && { traceId }),
      };
      const level = isProbe(path) ? 'debug' : 'info';
      logger[level](response.writableFinished ? line : { ...line, disconnected: true }, 'request');
    });
    next();
  };
}

/** Answers every error with its document: RFC 9457, or the Open Inference Protocol's own below `/v2`. Unknown errors are logged whole and shown as nothing but an id. */
export function problemHandler(logger: Logger): ErrorRequestHandler {
  return (thrown: unknown, request, response, next) => {
    if (thrown instanceof ClientGoneError) return; // the log's line says that it was disconnected
    const error = asServiceError(thrown);
    const requestId = requestIdOf(response);
    if (error.code === 'internal') logger.error({ requestId, err: thrown }, 'unexpected error');
    if (response.headersSent) {
      next(thrown);
      return;
    }
    response.once('finish', () => {
      if (!request.complete) setTimeout(() => request.complete || request.socket.destroy(), lingerMs).unref();
    });
    const { status } = catalogue[error.code];
    response.locals['code'] = error.code;
    response.status(status).set(error.headers).set('Cache-Control', 'no-store');
    if (isInference(request.path)) response.json(inferenceErrorOf(error));
    else sendJson(request, response, problemOf(error, request.path, requestId), problemType);
  };
}
