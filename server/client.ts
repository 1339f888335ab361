import type { Request } from 'express';

/** The client closed its connection before it had an answer: there is nobody left to tell. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';
}

/**
 * Works with a signal that aborts when the client hangs up. The socket is what is watched, since the 'close' of a
 * response may be long past when a handler gets here, and never comes to a pipelined one that has no socket yet.
 * @throws ClientGoneError when the client has hung up already
 */
export async function whileConnected<T>(
  { socket }: Pick<Request, 'socket'>,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort(new ClientGoneError('the client hung up'));
  if (socket.destroyed) abort();
  controller.signal.throwIfAborted();
  socket.once('close', abort);
  try {
    return await work(controller.signal);
  } finally {
    socket.off('close', abort);
  }
}
