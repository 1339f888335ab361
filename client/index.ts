import { EventSourceParserStream } from 'eventsource-parser/stream';
import createFetchClient from 'openapi-fetch';
import type { Client } from 'openapi-fetch';
import type { paths } from '../contract/openapi.ts';
import type { Schema } from '../contract/schema.ts';
import { arePoints, form, formOf, pairsOf } from './bodies.ts';
import type { Images, Points, Support } from './bodies.ts';
import { queryOf } from './options.ts';
import type {
  StartOptions,
  CreateOptions,
  EvaluateOptions,
  WaitOptions,
  ModelOptions,
  CheckpointsOptions,
  PredictOptions,
  TaskEvent,
} from './options.ts';
import { dataOf, ForeignAnswerError, MnasError, reaching, UnreachableError } from './errors.ts';

export type { Schema } from '../contract/schema.ts';
export type { Images, Points, Support } from './bodies.ts';
export type * from './options.ts';
export { ForeignAnswerError, MnasError, UnreachableError } from './errors.ts';

export interface ClientOptions {
  /** such as `http://localhost:8080` */
  readonly baseUrl: string;
  /** one of the service's API keys, where it asks for them */
  readonly apiKey?: string;
  readonly fetch?: typeof fetch;
}

/** Between two looks at a service that is not ready, ms. */
const lookMs = 200;

/**
 * The M-NAS service. Every method throws MnasError for a refusal, ForeignAnswerError for one that is not the service's,
 * UnreachableError where nothing answers, and the reason of a signal that aborts.
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
      fetch: reaching(baseUrl, options.fetch ?? ((input, init) => fetch(input, init))),
    });
  }

  /**
   * The task of a support set: made, or found when the same was posted before. Only the process that makes a task knows
   * its progress: where another one answers, the same is posted again, to wait for it, and no event is told.
   */
  createTask(support: Images, options?: CreateOptions): Promise<Schema<'ImagesTask'>>;
  createTask(support: Points, options?: CreateOptions): Promise<Schema<'RegressionTask'>>;
  createTask(support: Support, options?: CreateOptions): Promise<Schema<'Task'>>;
  async createTask(support: Support, options: CreateOptions = {}): Promise<Schema<'Task'>> {
    const { signal, onEvent } = options;
    const started = await this.#post(support, options, onEvent !== undefined);
    if ('createdAt' in started) return started;
    const told = { any: false as boolean };
    try {
      return await this.waitForTask(started.id, {
        ...(signal && { signal }),
        onEvent: (event) => {
          told.any = true;
          onEvent?.(event, started);
        },
      });
    } catch (error) {
      if (told.any || !(error instanceof MnasError && error.status === 404)) throw error;
      return (await this.#post(support, options, false)) as Schema<'Task'>;
    }
  }

  /** Posts a support set and does not wait for its task: the task where it is there, else how it comes along. */
  startTask(support: Support, options: StartOptions = {}): Promise<Schema<'Task'> | Schema<'TaskProgress'>> {
    return this.#post(support, options, true);
  }

  /**
   * The task with this id as soon as it is made; `onEvent` is told how it comes along.
   * @throws MnasError also when its making has failed
   */
  async waitForTask(
    id: string,
    {
      signal,
      onEvent,
    }: { readonly signal?: AbortSignal; readonly onEvent?: (event: TaskEvent) => void } = {},
  ): Promise<Schema<'Task'>> {
    for await (const event of this.events(id, signal)) {
      onEvent?.(event);
      if (event.event === 'ready') return event.data;
      if (event.event === 'failed') throw new MnasError(event.data);
    }
    throw new TypeError('the connection ended before the task was ready');
  }

  /**
   * Waits until the service is there and ready, as after its start.
   * @throws the last look's error when the time is over
   */
  async waitUntilReady({ seconds = 60, signal }: WaitOptions = {}): Promise<void> {
    const end = performance.now() + 1000 * seconds;
    for (;;) {
      try {
        dataOf(await this.api.GET('/readyz', signal ? { signal } : {}));
        return;
      } catch (error) {
        if (!isStarting(error) || performance.now() + lookMs > end) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, lookMs));
      signal?.throwIfAborted();
    }
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
      ...formOf(images),
      ...(signal && { signal }),
    });
    return dataOf(result);
  }

  /** How well the task's model does on labelled images, or points, that it has not seen; they are not kept. */
  evaluate(id: string, query: Images, options?: EvaluateOptions): Promise<Schema<'ImagesEvaluation'>>;
  evaluate(id: string, query: Points, options?: EvaluateOptions): Promise<Schema<'RegressionEvaluation'>>;
  async evaluate(
    id: string,
    query: Support,
    { signal, threshold }: EvaluateOptions = {},
  ): Promise<Schema<'Evaluation'>> {
    const result = await this.api.POST('/v1/tasks/{id}/evaluations', {
      params: { path: { id }, query: threshold === undefined ? {} : { threshold } },
      ...(arePoints(query) ? { body: { query: pairsOf(query) } } : formOf(query)),
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

  /** The task's ONNX file; `weights` asks for the same numbers without float16, or for a twin of 8-bit integers. */
  async getModel(id: string, { signal, weights }: ModelOptions = {}): Promise<Uint8Array<ArrayBuffer>> {
    const result = await this.api.GET('/v1/tasks/{id}/model', {
      params: { path: { id }, query: weights === undefined ? {} : { weights } },
      ...(signal && { signal }),
      parseAs: 'arrayBuffer',
    });
    return new Uint8Array(dataOf<ArrayBuffer>(result));
  }

  /** A zip: the task as a model repository for Triton and KServe. */
  async getBundle(id: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const options = { ...ofTask(id, signal), parseAs: 'arrayBuffer' as const };
    return new Uint8Array(dataOf<ArrayBuffer>(await this.api.GET('/v1/tasks/{id}/bundle', options)));
  }

  /** The task's embedding z: near one another for like tasks of one checkpoint. */
  async getEmbedding(id: string, signal?: AbortSignal): Promise<number[]> {
    return dataOf(await this.api.GET('/v1/tasks/{id}/embedding', ofTask(id, signal))).embedding;
  }

  /** What tasks can start from, and what their architectures cost. */
  async checkpoints({ ways, signal }: CheckpointsOptions = {}): Promise<Schema<'Checkpoint'>[]> {
    const result = await this.api.GET('/v1/checkpoints', {
      params: { query: ways === undefined ? {} : { ways } },
      ...(signal && { signal }),
    });
    return dataOf(result).checkpoints;
  }

  async #post(support: Support, options: CreateOptions, respondAsync: boolean) {
    const { signal } = options;
    const header = respondAsync ? { Prefer: 'respond-async' } : {};
    const result = await this.api.POST('/v1/tasks', {
      params: { query: queryOf(options), header },
      ...(arePoints(support) ? { body: { support: pairsOf(support) } } : formOf(support)),
      ...(signal && { signal }),
    });
    return dataOf<Schema<'Task'> | Schema<'TaskProgress'>>(result);
  }

  #headers(): Record<string, string> {
    const { apiKey } = this.#options;
    return apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` };
  }
}

/** Whether an error is one of a service that starts: nothing there yet, not ready, or what a proxy says meanwhile. */
const isStarting = (error: unknown): boolean =>
  error instanceof UnreachableError ||
  ((error instanceof MnasError || error instanceof ForeignAnswerError) &&
    [502, 503, 504].includes(error.status));

/** The options of a request for something of one task. */
const ofTask = (id: string, signal: AbortSignal | undefined) => ({
  params: { path: { id } },
  ...(signal && { signal }),
});
