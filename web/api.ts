import type { components } from '../server/openapi.ts';

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
async function request(path: string, init?: RequestInit): Promise<Response> {
  const response = await fetch(path, init);
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

/** Files of one class, in a request. */
export interface ClassFiles {
  readonly label: string;
  readonly files: readonly File[];
}

export async function createTask(classes: readonly ClassFiles[], signal: AbortSignal): Promise<ImagesTask> {
  const body = new FormData();
  for (const { label, files } of classes) for (const file of files) body.append(label, file, file.name);
  const response = await request('/v1/tasks', { method: 'POST', body, signal });
  return (await response.json()) as ImagesTask;
}

export async function getTask(id: string): Promise<Schema<'Task'>> {
  return (await (await request(`/v1/tasks/${encodeURIComponent(id)}`)).json()) as Schema<'Task'>;
}

export async function getModel({ model }: ImagesTask): Promise<Uint8Array> {
  return new Uint8Array(await (await request(model.url)).arrayBuffer());
}

/** Probabilities by label, of every file, as the service computes them. */
export async function predict(
  id: string,
  files: readonly Blob[],
): Promise<Schema<'ImagesPredictions'>['predictions']> {
  const body = new FormData();
  for (const file of files) body.append('images', file, file instanceof File ? file.name : 'image');
  const response = await request(`/v1/tasks/${id}/predictions`, { method: 'POST', body });
  return ((await response.json()) as Schema<'ImagesPredictions'>).predictions;
}

/** The checkpoint of images that the service starts from when none is named. */
export async function defaultCheckpoint(): Promise<Schema<'Checkpoint'> | undefined> {
  const { checkpoints } = (await (await request('/v1/checkpoints')).json()) as Schema<'Checkpoints'>;
  return checkpoints.find((checkpoint) => checkpoint.kind === 'images' && checkpoint.default);
}
