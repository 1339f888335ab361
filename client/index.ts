import { EventSourceParserStream } from 'eventsource-parser/stream';
import createFetchClient from 'openapi-fetch';
import type { Client } from 'openapi-fetch';
import type { paths } from '../contract/openapi.ts';
import type { Schema } from '../contract/schema.ts';

export type { Schema } from '../contract/schema.ts';

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

export interface ClientOptions {
  /** such as `http://localhost:8080` */
  readonly baseUrl: string;
  /** one of the service's API keys, where it asks for them */
  readonly apiKey?: string;
  readonly fetch?: typeof fetch;
}

/** Image files by label, or a zip archive with a folder a class. */
export type Images = Readonly<Record<string, readonly Blob[]>> | Blob;

/** Images, or points [x, y]. */
export type Support = Images | readonly (readonly [x: number, y: number])[];

/** What a task starts from. */
export interface StartOptions {
  readonly checkpoint?: string;
  /** inner gradient steps */
  readonly steps?: number;
  readonly signal?: AbortSignal;
}

export interface CreateOptions extends StartOptions {
  /**
   * told how the task comes along, and what the service said when it took the task on; without it the request waits in
   * silence
   */
  readonly onEvent?: (event: TaskEvent, accepted: Schema<'TaskProgress'>) => void;
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
    const { signal, onEvent } = options;
    const query = queryOf(options);
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
      for await (last of this.events(accepted.id, signal)) onEvent?.(last, accepted);
    } catch (error) {
      if (last || !(error instanceof MnasError && error.problem.status === 404)) throw error;
      return (await post({})) as Schema<'Task'>;
    }
    if (last?.event === 'ready') return last.data;
    if (last?.event === 'failed') throw new MnasError(last.data);
    throw new TypeError('the connection ended before the task was ready');
  }

  /** The events in the making of a task: those that were and those to come, until it is ready or has failed. */
  async *events(id: string, signal?: AbortSignal): AsyncGenerator<TaskEvent> {
    const result = await this.api.GET('/v1/tasks/{id}/progress', {
      ...ofTask(id, signal),
      headers: { Accept: 'text/event-stream' },
      parseAs: 'stream',
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

  async getTask(id: string, signal?: AbortSignal): Promise<Schema<'Task'>> {
    return dataOf(await this.api.GET('/v1/tasks/{id}', ofTask(id, signal)));
  }

  /** How accurate the task of such images is on images that it has not seen; nothing is kept. */
  async estimate(images: Images, options: StartOptions = {}): Promise<Schema<'Estimate'>> {
    const { signal } = options;
    const result = await this.api.POST('/v1/estimates', {
      params: { query: queryOf(options) },
      ...imagesOf(images),
      ...(signal && { signal }),
    });
    return dataOf(result);
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
    const options = { ...ofTask(id, signal), parseAs: 'arrayBuffer' as const };
    return new Uint8Array(dataOf<ArrayBuffer>(await this.api.GET('/v1/tasks/{id}/model', options)));
  }

  /** A zip: the task as a model repository for Triton and KServe. */
  async getBundle(id: string, signal?: AbortSignal): Promise<Uint8Array> {
    const options = { ...ofTask(id, signal), parseAs: 'arrayBuffer' as const };
    return new Uint8Array(dataOf<ArrayBuffer>(await this.api.GET('/v1/tasks/{id}/bundle', options)));
  }

  /** The task's embedding z: near one another for like tasks of one checkpoint. */
  async getEmbedding(id: string, signal?: AbortSignal): Promise<number[]> {
    return dataOf(await this.api.GET('/v1/tasks/{id}/embedding', ofTask(id, signal))).embedding;
  }

  /** What tasks can start from. */
  async checkpoints(signal?: AbortSignal): Promise<Schema<'Checkpoint'>[]> {
    return dataOf(await this.api.GET('/v1/checkpoints', signal ? { signal } : {})).checkpoints;
  }

  #headers(): Record<string, string> {
    const { apiKey } = this.#options;
    return apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` };
  }
}

/** The options of a request for something of one task. */
const ofTask = (id: string, signal: AbortSignal | undefined) => ({
  params: { path: { id } },
  ...(signal && { signal }),
});

const queryOf = ({ checkpoint, steps }: StartOptions) => ({
  ...(checkpoint !== undefined && { checkpoint }),
  ...(steps !== undefined && { steps }),
});

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

const arePoints = (support: Support): support is Exclude<Support, Images> => Array.isArray(support);

const bodyOf = (support: Support) =>
  arePoints(support) ? { body: { support: support.map(([x, y]) => [x, y]) } } : imagesOf(support);

function imagesOf(images: Images) {
  if (images instanceof Blob) return form([['support', images]]);
  const classes = Object.entries(images);
  return form(classes.flatMap(([label, files]) => files.map((file) => [label, file] as const)));
}
