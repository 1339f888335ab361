import { createServer } from 'node:http';
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';
import type { RequestHandler } from 'express';

export interface ServerOptions {
  /** within which a request must have arrived, its body included */
  readonly requestSeconds: number;
  /** that a connection without a request stays open; longer than proxies keep theirs, since they must be the ones to close */
  readonly keepAliveSeconds: number;
  /** that are open at a time; one more is closed at once */
  readonly connections: number;
}

/** A server that listens to nothing yet. */
export function createHttpServer(app: RequestListener, options: ServerOptions): Server {
  const { requestSeconds, keepAliveSeconds, connections } = options;
  const server = createServer(
    { requestTimeout: requestSeconds * 1000, keepAliveTimeout: keepAliveSeconds * 1000 },
    app,
  );
  // Node closes the connection of a client that has ended its side, unless this is set: it is in no documentation
  Object.assign(server, { httpAllowHalfOpen: true });
  server.maxConnections = connections;
  return server.on('request', watchHalfClosed);
}

/** When, after a client has ended its side, it is asked whether it is still there, in milliseconds. */
const askedMs = [50, 300, 1000, 4000];

/**
 * A client that has ended its side of the connection waits for its answer, or has hung up. Which of the two shows when
 * something is written: interim answers (RFC 9110, 15.2.1), which who is gone refuses. HTTP/1.0 has none of these.
 */
function watchHalfClosed(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request;
  const timers: NodeJS.Timeout[] = [];
  const ask = () => {
    if (!response.headersSent && !socket.destroyed) response.writeContinue();
  };
  const ended = () => {
    if (request.httpVersion === '1.0') socket.destroy();
    else for (const ms of askedMs) timers.push(setTimeout(ask, ms).unref());
  };
  if (socket.readableEnded) ended();
  else socket.once('end', ended);
  response.once('close', () => {
    socket.off('end', ended);
    timers.forEach(clearTimeout);
  });
}

/** Ends the connection with every answer while the service drains, so that its client comes back elsewhere. */
export const leaveWhileDraining =
  (state: { readonly draining: boolean }): RequestHandler =>
  (_request, response, next) => {
    if (state.draining) response.set('Connection', 'close');
    next();
  };
