import type { Request, Response } from 'express';
import { layOut } from './layout.ts';

/** Programs of a terminal, which show what they get as it is. */
const terminal = /^(?:curl|wget)\//i;
/** The media type of an Accept header that asks for an indent, as Django REST framework reads it. */
const indented = /application\/(?:\w+\+)?json\s*;[^,]*\bindent\s*=\s*"?(\d+)/i;

/**
 * Whether JSON is laid out for a person: `Accept: application/json; indent=2` asks for it, `indent=0` for one
 * line. Where Accept says neither, curl, wget and a browser's address bar get it, programs do not.
 */
export function isForPeople(request: Pick<Request, 'get'>): boolean {
  const accept = request.get('Accept') ?? '';
  const indent = indented.exec(accept)?.[1];
  if (indent !== undefined) return Number(indent) > 0;
  return terminal.test(request.get('User-Agent') ?? '') || accept.includes('text/html');
}

/** Answers with JSON, laid out where a person reads it. */
export function sendJson(
  request: Pick<Request, 'get'>,
  response: Response,
  body: unknown,
  type = 'application/json',
): void {
  const text = isForPeople(request) ? layOut(body) : JSON.stringify(body);
  response.vary('Accept, User-Agent').type(type).send(text);
}
