import { EventSourceParserStream } from 'eventsource-parser/stream';
import type { components } from '../contract/openapi.ts';
import { authorization } from './key.ts';

/** A schema of openapi.yaml, by name. */
export type Schema<Name extends keyof components['schemas']> = components['schemas'][Name];

/** The service refused a request; the message is its problem's detail, made for people. */
export class ServiceRefusal extends Error {
  override readonly name = 'ServiceRefusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The answer of the service. @throws ServiceRefusal, or TypeError when it cannot be reached */
async function request(
  path: string,
  {
    headers,
    ...init
  }: Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Response> {
  const response = await fetch(path, { ...init, headers: { ...headers, ...authorization() } });
  if (response.ok) return response;
  throw new ServiceRefusal(response.status, await refusalOf(response));
}

async function refusalOf(response: Response): Promise<string> {
  if (response.headers.get('Content-Type')?.includes('problem+json') !== true)
    return `The service answered ${response.status} ${response.statusText}.`;
  const { title, detail } = (await response.json()) as Schema<'Problem'>;
  return `${title}. ${detail}`;
}

export type ImagesTask = Schema<'ImagesTask'>;
export type Estimate = Schema<'ImagesEvaluation'>;

/** Files of one class, in a request. */
export interface ClassFiles {
  readonly label: string;
  readonly files: readonly File[];
}

function bodyOf(classes: readonly ClassFiles[]): FormData {
  const body = new FormData();
  for (const { label, files } of classes) for (const file of files) body.append(label, file, file.name);
  return body;
}

export type TaskProgress = Schema<'ImagesProgress'>;
/** A step of the making of a task: what `GET /v1/tasks/{id}/progress` sends before the last event. */
export type ProgressEvent =
  | { readonly kind: 'accepted' | 'started' | 'genotype' }
  | { readonly kind: 'fit'; readonly fit: TaskProgress['fits'][number] };

/**
 * Makes a task and follows how it comes along. When the signal aborts, it is followed no longer; the service goes on, since
 * others who posted the same images wait for the same task. Only the process that makes a task knows its progress: where
 * another one answers, the same is posted again, to wait for it.
 * @throws ServiceRefusal, also for what fails after the task was accepted; the signal's reason
 */
export async function createTask(
  classes: readonly ClassFiles[],
  onEvent: (event: ProgressEvent, steps: number) => void,
  signal: AbortSignal,
): Promise<ImagesTask> {
  const post = (headers: Readonly<Record<string, string>>) =>
    request('/v1/tasks', { method: 'POST', body: bodyOf(classes), headers, signal });
  const response = await post({ Prefer: 'respond-async' });
  if (response.status !== 202) return (await response.json()) as ImagesTask; // it was there already
  const { id, steps } = (await response.json()) as TaskProgress;
  const progress = await progressOf(id, signal);
  if (!progress) return (await (await post({})).json()) as ImagesTask;
  return followed(progress, (event) => onEvent(event, steps));
}

/** A task's stream of events; undefined when whoever answers does not know it. */
async function progressOf(id: string, signal: AbortSignal): Promise<Response | undefined> {
  try {
    return await request(`/v1/tasks/${id}/progress`, { headers: { Accept: 'text/event-stream' }, signal });
  } catch (error) {
    if (error instanceof ServiceRefusal && error.status === 404) return undefined;
    throw error;
  }
}

/** The task at the end of its stream of events. */
async function followed({ body }: Response, onEvent: (event: ProgressEvent) => void): Promise<ImagesTask> {
  const reader = body!
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) throw new Error('The connection to the service ended before the task was ready. Try again.');
    const data: unknown = JSON.parse(value.data);
    if (value.event === 'ready') return data as ImagesTask;
    if (value.event === 'failed') {
      const { status, title, detail } = data as Schema<'Problem'>;
      throw new ServiceRefusal(status, `${title}. ${detail}`);
    }
    if (value.event === 'fit') onEvent({ kind: 'fit', fit: data as TaskProgress['fits'][number] });
    else onEvent({ kind: value.event as 'accepted' | 'started' | 'genotype' });
  }
}

export async function getTask(id: string, signal: AbortSignal): Promise<Schema<'Task'>> {
  const response = await request(`/v1/tasks/${encodeURIComponent(id)}`, { signal });
  return (await response.json()) as Schema<'Task'>;
}

export async function getModel({ model }: ImagesTask, signal: AbortSignal): Promise<Uint8Array> {
  return new Uint8Array(await (await request(model.url, { signal })).arrayBuffer());
}

/** A zip: the task as a model repository for Triton and KServe. */
export async function getBundle(id: string): Promise<Uint8Array> {
  return new Uint8Array(await (await request(`/v1/tasks/${id}/bundle`)).arrayBuffer());
}

export async function getEmbedding(id: string, signal: AbortSignal): Promise<readonly number[]> {
  const response = await request(`/v1/tasks/${id}/embedding`, { signal });
  return ((await response.json()) as Schema<'Embedding'>).embedding;
}

/** The accuracy that a task of these images will have. @throws ServiceRefusal */
export async function estimate(classes: readonly ClassFiles[], signal: AbortSignal): Promise<Estimate> {
  const response = await request('/v1/estimates', { method: 'POST', body: bodyOf(classes), signal });
  return ((await response.json()) as Schema<'Estimate'>).evaluation;
}

/** What the service says of every file, in their order. @throws ServiceRefusal, also when one of them is no image */
export async function predict(
  id: string,
  files: readonly File[],
  signal: AbortSignal,
): Promise<Schema<'ImagesPredictions'>['predictions']> {
  const body = new FormData();
  for (const file of files) body.append('images', file, file.name);
  const response = await request(`/v1/tasks/${id}/predictions`, { method: 'POST', body, signal });
  return ((await response.json()) as Schema<'ImagesPredictions'>).predictions;
}

/** The checkpoint of images that the service starts from when none is named. */
export async function defaultCheckpoint(signal: AbortSignal): Promise<Schema<'Checkpoint'> | undefined> {
  const response = await request('/v1/checkpoints', { signal });
  const { checkpoints } = (await response.json()) as Schema<'Checkpoints'>;
  return checkpoints.find((checkpoint) => checkpoint.kind === 'images' && checkpoint.default);
}
