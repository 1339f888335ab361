import type { Request, Response } from 'express';
import { whenOver } from './client.ts';

/** Comments in a silent stream, so that no proxy takes it for dead. */
const keepAliveMs = 15_000;

/** One server-sent event; its data is JSON, which has no line break. */
export interface ServerEvent {
  readonly id: string;
  readonly event: string;
  readonly data: unknown;
}

export interface EventStream {
  readonly send: (event: ServerEvent) => void;
  readonly end: () => void;
}

/** Begins an answer of server-sent events (HTML, 9.2); `closed` is told, at least once, that it is over, whoever ended it. */
export function openEventStream(request: Request, response: Response, closed: () => void): EventStream {
  response.set({
    'Content-Type': 'text/event-stream; charset=utf-8',
    'Cache-Control': 'no-store',
    'X-Accel-Buffering': 'no', // nginx holds answers back otherwise
  });
  response.flushHeaders();
  const timer = setInterval(() => response.write(':\n\n'), keepAliveMs);
  const { socket } = request;
  const leave = () => socket.destroy(); // who waits for events keeps both sides open
  socket.once('end', leave);
  const stop = () => {
    clearInterval(timer);
    socket.off('end', leave);
    closed();
  };
  whenOver(request, response, stop);
  response.on('error', stop);
  return {
    send: ({ id, event, data }) =>
      void response.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`),
    end: () => {
      stop(); // a write after the end is an error that nothing catches, and the response may be over much later
      response.end();
    },
  };
}
