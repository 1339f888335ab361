import type { TaskEvent } from '../client/index.ts';
import { canonicalLabel } from '../contract/label.ts';
import type { Schema } from '../contract/schema.ts';
import type { Genotype } from '../model/search-space/genotype.ts';
import { filesByLabel, service } from './api.ts';
import type { ClassFiles } from './api.ts';
import { ask } from './device/client.ts';
import type { AdaptRequest, Progress, Sources } from './device/messages.ts';
import { percent } from './format.ts';
import { authorization } from './key.ts';

export type Place = 'server' | 'device';

/** A task as the page shows it, wherever it was made. */
export interface MadeTask {
  readonly place: Place;
  readonly id: string;
  readonly createdAt: string;
  /** in the order of the model's outputs */
  readonly labels: readonly string[];
  readonly shots: Readonly<Record<string, number>>;
  /** id of the checkpoint that it started from */
  readonly checkpoint: string;
  readonly steps: number;
  readonly architecture: {
    readonly genotype: Genotype;
    readonly weights: number;
    readonly multiplyAdds: number;
  };
  readonly support: Schema<'ImagesTask'>['support'];
  readonly model: Uint8Array;
  /** side of the model's input, pixels */
  readonly size: number;
  /** whether the model has the output `known` */
  readonly tellsKnown: boolean;
  /** z of the paper: near one another for like tasks of one checkpoint */
  readonly embedding: readonly number[];
  /** how images that were left out were classified, where making the task has told it */
  readonly evaluation?: Schema<'ImagesEvaluation'>;
  /** milliseconds by stage */
  readonly timings: Readonly<Record<string, number>>;
}

/** What is going on: in words, and how much of it is done, where that is known. */
export interface Status {
  readonly text: string;
  /** 0 to 1 */
  readonly done?: number;
}

export type Tell = (status: Status) => void;

export async function makeOnServer(
  classes: readonly ClassFiles[],
  tell: Tell,
  signal: AbortSignal,
): Promise<MadeTask> {
  const count = classes.reduce((sum, { files }) => sum + files.length, 0);
  tell({ text: `Sending ${count} images` });
  const task = await service().createTask(filesByLabel(classes), {
    signal,
    onEvent: (event, { steps }) => {
      const status = statusOf(event, steps);
      if (status) tell(status);
    },
  });
  return fetchModel(task, signal);
}

/** What is going on after the event; undefined where nothing is any more. */
function statusOf({ event, data }: TaskEvent, steps: number): Status | undefined {
  switch (event) {
    case 'accepted':
      return { text: 'Waiting for a worker', done: 0 };
    case 'started':
      return { text: 'Choosing the architecture', done: 0.1 };
    case 'genotype':
      return { text: 'Adapting the weights', done: 0.4 };
    case 'fit': {
      if (!('loss' in data)) return undefined;
      const { step, loss, accuracy } = data;
      const text = `Step ${step} of ${steps}: loss ${loss.toFixed(2)}, ${percent(accuracy)} of the images right`;
      return { text, done: 0.4 + (0.6 * step) / Math.max(steps, 1) };
    }
    case 'ready':
    case 'failed':
      return undefined;
  }
}

/** A task that is on the server. @throws MnasError, Error when it is none of images */
export async function openOnServer(id: string, signal: AbortSignal): Promise<MadeTask> {
  return fetchModel(await service().getTask(id, signal), signal);
}

async function fetchModel(task: Schema<'Task'>, signal: AbortSignal): Promise<MadeTask> {
  if (task.kind !== 'images') throw new Error('This is a regression task; the page shows tasks of images.');
  const { id, createdAt, labels, shots, checkpoint, steps, support, timings } = task;
  // the contract allows the operation «none», which no genotype has
  const architecture = { ...task.architecture, genotype: task.architecture.genotype as Genotype };
  const client = service();
  const [model, embedding] = await Promise.all([
    client.getModel(id, signal),
    client.getEmbedding(id, signal),
  ]);
  return {
    place: 'server',
    id,
    createdAt,
    labels,
    shots,
    checkpoint,
    steps,
    architecture,
    support,
    model,
    size: task.model.preprocessing.resize.width,
    tellsKnown: task.openSet !== undefined,
    embedding,
    timings,
  };
}

const stages: Readonly<Record<Exclude<Progress['stage'], 'images'>, Status>> = {
  runtime: { text: 'Loading onnxruntime' },
  checkpoint: { text: 'Loading the checkpoint' },
  trunk: { text: 'Loading the trunk' },
  architecture: { text: 'Choosing the architecture' },
  weights: { text: 'Adapting the weights' },
};

/** What the worker tells, in words; `count` images are to be prepared. */
const deviceStatus = (progress: Progress, count: number): Status =>
  progress.stage === 'images'
    ? { text: `Preparing image ${progress.ready + 1} of ${count}`, done: progress.ready / count }
    : stages[progress.stage];

/** The default checkpoint of images, and where the worker finds what stands behind it. */
async function deviceSources(signal?: AbortSignal) {
  const checkpoints = await service().checkpoints(signal);
  const checkpoint = checkpoints.find(({ kind, default: isDefault }) => kind === 'images' && isDefault);
  if (checkpoint?.kind !== 'images') throw new Error('The service has no checkpoint of images.');
  const sources: Sources = {
    checkpoint: `/v1/checkpoints/${encodeURIComponent(checkpoint.id)}/file`,
    trunk: checkpoint.trunk,
    headers: authorization(),
  };
  return { checkpoint, sources };
}

/** Loads what tasks on this device need, before one is made. @throws MnasError, Error when it cannot be loaded */
export async function prepareDevice(): Promise<void> {
  const { sources } = await deviceSources();
  await ask('prepare', sources);
}

/** The checkpoint and the images as the worker takes them. */
async function deviceRequest(classes: readonly ClassFiles[], signal: AbortSignal) {
  const { checkpoint, sources } = await deviceSources(signal);
  const request: AdaptRequest = {
    ...sources,
    steps: checkpoint.steps,
    support: classes.flatMap(({ label, files }) =>
      files.map((file) => ({ label: canonicalLabel(label), file })),
    ),
  };
  return { checkpoint, request };
}

/** Whether there is anything to leave out: a class of two images or more. */
export const canEstimate = (classes: readonly ClassFiles[]): boolean =>
  classes.some(({ files }) => files.length > 1);

/** The accuracy of a task of these images on those that are left out: as its making told, else where it was made. */
export async function estimateOf(
  { place, evaluation }: Pick<MadeTask, 'place' | 'evaluation'>,
  classes: readonly ClassFiles[],
  signal: AbortSignal,
): Promise<Schema<'ImagesEvaluation'> | undefined> {
  if (evaluation) return evaluation;
  if (place === 'server') return (await service().estimate(filesByLabel(classes), { signal })).evaluation;
  const { request } = await deviceRequest(classes, signal);
  return ask('estimate', request, { signal });
}

/** The same task without the server: the checkpoint comes here, the images stay. */
export async function makeOnDevice(
  classes: readonly ClassFiles[],
  tell: Tell,
  signal: AbortSignal,
): Promise<MadeTask> {
  const { checkpoint, request } = await deviceRequest(classes, signal);
  const onProgress = (progress: Progress) => tell(deviceStatus(progress, request.support.length));
  const adapted = await ask('adapt', request, { onProgress, signal });
  const { labels, genotype, weights, multiplyAdds, support, model, size, evaluation, timings } = adapted;
  return {
    place: 'device',
    id: `device-${Date.now().toString(36)}`,
    createdAt: new Date().toISOString(),
    labels,
    shots: Object.fromEntries(classes.map(({ label, files }) => [canonicalLabel(label), files.length])),
    checkpoint: checkpoint.id,
    steps: checkpoint.steps,
    architecture: { genotype, weights, multiplyAdds },
    support,
    model,
    size,
    tellsKnown: true,
    embedding: Array.from(adapted.embedding),
    ...(evaluation && { evaluation }),
    timings,
  };
}
