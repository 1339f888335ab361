import type { Schema } from '../contract/schema.ts';

/** The service refused a request, or failed; `problem` says why (RFC 9457). */
export class MnasError extends Error {
  override readonly name = 'MnasError';
  readonly problem: Schema<'Problem'>;
  readonly status: number;

  constructor(problem: Schema<'Problem'>) {
    super(`${problem.title}: ${problem.detail}`);
    this.problem = problem;
    this.status = problem.status;
  }
}

/** The answer to a request is not the service's: a proxy before it, or something else at its address, has answered. */
export class ForeignAnswerError extends Error {
  override readonly name = 'ForeignAnswerError';
  readonly status: number;
  /** What was answered. */
  readonly body: string;

  constructor({ status, statusText }: Response, body: string) {
    super(`${status} ${statusText}: not an answer of the service`);
    this.status = status;
    this.body = body;
  }
}

/** Nothing has answered at the service's address; `cause` is what `fetch` threw. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
  readonly baseUrl: string;

  constructor(baseUrl: string, cause: unknown) {
    super(`no answer from ${baseUrl} (${reasonOf(cause)}): is the service running there?`, { cause });
    this.baseUrl = baseUrl;
  }
}

/** Node hides the reason below «fetch failed», and there below the attempts for each address. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  if (error.cause !== undefined) return reasonOf(error.cause);
  return error.message;
}

/** `fetch` that throws UnreachableError where nothing answers; a signal's reason stays what it is. */
export const reaching =
  (baseUrl: string, ask: typeof fetch): typeof fetch =>
  async (input, init) => {
    try {
      return await ask(input, init);
    } catch (error) {
      const given = init?.signal ?? (input instanceof Request ? input.signal : undefined);
      if (given?.aborted) throw error;
      throw new UnreachableError(baseUrl, error);
    }
  };

interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/** What was answered. @throws MnasError, ForeignAnswerError */
export function dataOf<T>({ data, error, response }: Answer<T>): T {
  if (response.ok) return data as T;
  const isProblem = error instanceof Object && 'code' in error && 'detail' in error;
  if (isProblem) throw new MnasError(error as Schema<'Problem'>);
  throw new ForeignAnswerError(
    response,
    typeof error === 'string' ? error : error === undefined ? '' : JSON.stringify(error),
  );
}
