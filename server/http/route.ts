import type { Request, RequestHandler, Response, Router } from 'express';
import * as z from 'zod';
import { ServiceError } from '../errors/errors.ts';

type Method = 'get' | 'post' | 'delete';
export type Handler = (request: Request, response: Response) => unknown;
type Handlers = Readonly<Partial<Record<Method, Handler>>>;

/** Registers all methods of one path; any other method gets 405 with `Allow`, OPTIONS just `Allow`. */
export function route(router: Router, path: string, handlers: Handlers): void {
  const methods = Object.keys(handlers) as Method[];
  const names = methods.flatMap((method) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]));
  const allow = [...names, 'OPTIONS'].join(', ');
  const target = router.route(path);
  for (const method of methods) target[method](handlers[method] as RequestHandler);
  target.options((_request, response) => {
    response.status(204).set('Allow', allow).end();
  });
  target.all((request) => {
    const detail = `${request.method} is not supported here; the methods are ${allow}.`;
    throw new ServiceError('method-not-allowed', { detail, headers: { Allow: allow } });
  });
}

/** The query of an operation without parameters. */
export const noQuery = z.strictObject({});

/**
 * The query by its schema (a strict object, so that misspelt parameters do not pass unseen).
 * @throws ServiceError `invalid-query`, naming the parameter
 */
export function parseQuery<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
  request: Request,
): z.infer<z.ZodObject<Shape>> {
  const parsed = schema.safeParse({ ...request.query });
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map((issue) => {
    if (issue.code === 'unrecognized_keys') return `unknown parameter ${issue.keys.join(', ')}`;
    return `${issue.path.join('.')}: ${issue.message}`;
  });
  throw new ServiceError('invalid-query', { detail: `${details.join('; ')}.` });
}

/** The path's `{id}`; whether it names a task, storage tells. */
export function idOf(request: Request): string {
  const { id } = request.params;
  return typeof id === 'string' ? id : '';
}
