import { EventSourceParserStream } from 'eventsource-parser/stream';
import createFetchClient, { type Client } from 'openapi-fetch';
import type { components, paths } from '../contract/openapi.ts';

/** A schema of openapi.yaml, by name. */
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

/** An event in the making of a task, by name, with its data. */
export type TaskEvent =
  | { readonly event: 'accepted' | 'started'; readonly data: object }
  | { readonly event: 'genotype'; readonly data: Schema<'Genotype'> | Schema<'RegressionGenotype'> }
  | { readonly event: 'fit'; readonly data: Schema<'ImagesStepFit'> | Schema<'RegressionStepFit'> }
  | { readonly event: 'ready'; readonly data: Schema<'Task'> }
  | { readonly event: 'failed'; readonly data: Schema<'Problem'> };

/** The service refused a request, or failed; `problem` says why (RFC 9457). */
export class MnasError extends Error {
  override readonly name = 'MnasError';
  readonly problem: Schema<'Problem'>;

  constructor(problem: Schema<'Problem'>) {
    super(`${problem.title}: ${problem.detail}`);
    this.problem = problem;
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

export interface ClientOptions {
  /** such as `http://localhost:8080` */
  readonly baseUrl: string;
  /** one of the service's API keys, where it asks for them */
  readonly apiKey?: string;
  readonly fetch?: typeof fetch;
}

/** Image files by label, a zip archive with a folder a class, or points [x, y]. */
export type Support =
  Readonly<Record<string, readonly Blob[]>> | Blob | readonly (readonly [x: number, y: number])[];

export interface CreateOptions {
  readonly checkpoint?: string;
  /** inner gradient steps */
  readonly steps?: number;
  readonly signal?: AbortSignal;
  /** told how the task comes along; without it the request waits in silence */
  readonly onEvent?: (event: TaskEvent) => void;
}

export interface PredictOptions {
  /** ranks so many labels */
  readonly top?: number;
  /** below this probability of belonging to a class at all an image is unknown */
  readonly threshold?: number;
  readonly signal?: AbortSignal;
}

/**
 * The M-NAS service. Every method throws MnasError for a refusal, ForeignAnswerError for one that is not the service's,
 * and what `fetch` throws.
 */
export class MnasClient {
  /** every operation of openapi.yaml, typed by it (openapi-fetch) */
  readonly api: Client<paths>;
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
    const { baseUrl } = options;
    this.api = createFetchClient<paths>({
      baseUrl,
      headers: this.#headers(),
      ...(options.fetch && { fetch: options.fetch }),
    });
  }

  /**
   * The task of a support set: made, or found when the same was posted before. Only the process that makes a task knows
   * its progress: where another one answers, the same is posted again, to wait for it, and no event is told.
   */
  async createTask(support: Support, options: CreateOptions = {}): Promise<Schema<'Task'>> {
    const { checkpoint, steps, signal, onEvent } = options;
    const query = { ...(checkpoint !== undefined && { checkpoint }), ...(steps !== undefined && { steps }) };
    const post = async (header: { readonly Prefer?: string }) =>
      dataOf(
        await this.api.POST('/v1/tasks', {
          params: { query, header },
          ...bodyOf(support),
          ...(signal && { signal }),
        }),
      );
    const accepted = await post(onEvent ? { Prefer: 'respond-async' } : {});
    if ('createdAt' in accepted) return accepted;
    let last: TaskEvent | undefined;
    try {
      for await (last of this.events(accepted.id, signal)) onEvent?.(last);
    } catch (error) {
      if (last || !(error instanceof MnasError && error.problem.status === 404)) throw error;
      return (await post({})) as Schema<'Task'>;
    }
    if (last?.event === 'ready') return last.data;
    if (last?.event === 'failed') throw new MnasError(last.data);
    throw new TypeError('the events ended before the task was ready');
  }

  /** The events in the making of a task: those that were and those to come, until it is ready or has failed. */
  async *events(id: string, signal?: AbortSignal): AsyncGenerator<TaskEvent> {
    const result = await this.api.GET('/v1/tasks/{id}/progress', {
      params: { path: { id } },
      headers: { Accept: 'text/event-stream' },
      parseAs: 'stream',
      ...(signal && { signal }),
    });
    const stream = dataOf<ReadableStream<Uint8Array<ArrayBuffer>> | null>(result);
    if (!stream) return;
    const messages = stream.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
    const reader = messages.getReader(); // Safari cannot iterate over a stream
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        const { event, data } = next.value;
        yield { event, data: JSON.parse(data) as unknown } as TaskEvent;
      }
    } finally {
      await reader.cancel();
    }
  }

  /** What the task's model says of images, in their order. */
  async predict(
    id: string,
    images: readonly Blob[],
    { signal, ...query }: PredictOptions = {},
  ): Promise<Schema<'ImagePrediction'>[]> {
    const result = await this.api.POST('/v1/tasks/{id}/predictions', {
      params: { path: { id }, query },
      ...form(images.map((image) => ['images', image])),
      ...(signal && { signal }),
    });
    return (dataOf(result) as Schema<'ImagesPredictions'>).predictions;
  }

  /** What a regression task's model says of every x. */
  async predictY(id: string, x: readonly number[], signal?: AbortSignal): Promise<number[]> {
    const result = await this.api.POST('/v1/tasks/{id}/predictions', {
      params: { path: { id } },
      body: { x: [...x] },
      ...(signal && { signal }),
    });
    return (dataOf(result) as Schema<'RegressionPredictions'>).predictions.map(({ y }) => y);
  }

  /** The task's ONNX file. */
  async getModel(id: string, signal?: AbortSignal): Promise<Uint8Array> {
    const result = await this.api.GET('/v1/tasks/{id}/model', {
      params: { path: { id } },
      parseAs: 'arrayBuffer',
      ...(signal && { signal }),
    });
    return new Uint8Array(dataOf<ArrayBuffer>(result));
  }

  #headers(): Record<string, string> {
    const { apiKey } = this.#options;
    return apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` };
  }
}

interface Answer<T> {
  readonly data?: T;
  readonly error?: unknown;
  readonly response: Response;
}

/** @throws MnasError, ForeignAnswerError */
function dataOf<T>({ data, error, response }: Answer<T>): T {
  if (response.ok) return data as T;
  const isProblem = error instanceof Object && 'code' in error && 'detail' in error;
  if (isProblem) throw new MnasError(error as Schema<'Problem'>);
  throw new ForeignAnswerError(
    response,
    typeof error === 'string' ? error : error === undefined ? '' : JSON.stringify(error),
  );
}

/** A body that openapi.yaml describes by its parts: they are appended one by one, so that a label can occur often. */
function form(parts: readonly (readonly [name: string, file: Blob])[]) {
  const body = new FormData();
  for (const [name, file] of parts) body.append(name, file, file instanceof File ? file.name : 'image');
  return { body: {} as never, bodySerializer: () => body };
}

function bodyOf(support: Support) {
  if (Array.isArray(support))
    return { body: { support: (support as readonly (readonly [number, number])[]).map(([x, y]) => [x, y]) } };
  if (support instanceof Blob) return form([['support', support]]);
  const classes = Object.entries(support as Readonly<Record<string, readonly Blob[]>>);
  return form(classes.flatMap(([label, files]) => files.map((file) => [label, file] as const)));
}
