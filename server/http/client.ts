import type { Request, Response } from 'express';

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

/**
 * Tells once that a request is over: answered, or its connection gone. It takes both to tell, since a connection stays
 * for the next request, and a pipelined response that has no socket yet never emits 'close'.
 */
export function whenOver({ socket }: Pick<Request, 'socket'>, response: Response, over: () => void): void {
  let told = false;
  const end = () => {
    response.off('close', end);
    socket.off('close', end);
    // a response closes while its socket tells, and a listener that is removed then is called all the same
    if (!told) over();
    told = true;
  };
  response.once('close', end);
  socket.setMaxListeners(0); // as many as the requests that are pipelined on it
  if (socket.closed) process.nextTick(end);
  else socket.once('close', end);
}
