import type { TaskEvent } from '../client/index.ts';
import { canonicalLabel } from '../contract/label.ts';
import type { Schema } from '../contract/schema.ts';
import type { Budget } from '../model/adaptation/budget.ts';
import type { Genotype } from '../model/search-space/genotype.ts';
import { filesByLabel, service } from './api.ts';
import type { ClassFiles } from './api.ts';
import { ask } from './device/client.ts';
import type { Adapted, AdaptRequest, Progress, Sources } from './device/messages.ts';
import { postedFiles } from './words.ts';
import type { Quality } from './quality.ts';
import { counted, percent } from './format.ts';
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
  /** what its network might cost at most */
  readonly budget?: Budget | undefined;
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
  /** below which `known` an image is unknown, so that nine in ten images of the classes pass; older tasks have none */
  readonly threshold?: number | undefined;
  /** whether images are answered together with their mirror images */
  readonly mirrored: boolean;
  /** z of the paper: near one another for like tasks of one checkpoint */
  readonly embedding: readonly number[];
  /** how images that were left out were classified, where the service has kept it with the task */
  readonly evaluation?: Schema<'ImagesEvaluation'> | undefined;
  /** the same with the images that were told wrong, where making the task on this device has told it */
  readonly estimated?: Estimated;
  /** milliseconds by stage */
  readonly timings: Readonly<Record<string, number>>;
}

/** An evaluation, and which of the images, in the order in which they were given, were told wrong. */
export type Estimated = Pick<Adapted, 'mistakes'> & { readonly evaluation: Schema<'ImagesEvaluation'> };

/** What is going on: in words, and how much of it is done, where that is known. */
export interface Status {
  readonly text: string;
  /** 0 to 1 */
  readonly done?: number;
}

export type Tell = (status: Status) => void;

/** What a task is made with. */
export interface Making {
  readonly classes: readonly ClassFiles[];
  /** the default one of the service when absent */
  readonly checkpoint?: string | undefined;
  readonly budget?: Budget | undefined;
}

export async function makeOnServer(
  { classes, checkpoint, budget }: Making,
  tell: Tell,
  signal: AbortSignal,
): Promise<MadeTask> {
  const count = classes.reduce((sum, { files }) => sum + files.length, 0);
  tell({ text: `Sending ${counted(count, 'image')}` });
  const task = await service().createTask(filesByLabel(classes), {
    signal,
    ...(checkpoint !== undefined && { checkpoint }),
    ...budget,
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
  const { id, createdAt, labels, shots, checkpoint, steps, budget, support, mirrored, timings } = task;
  // the contract allows the operation «none», which no genotype has
  const architecture = { ...task.architecture, genotype: task.architecture.genotype as Genotype };
  const client = service();
  const [model, embedding] = await Promise.all([
    client.getModel(id, { signal }),
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
    budget,
    architecture,
    support,
    model,
    size: task.model.preprocessing.resize.width,
    tellsKnown: task.openSet !== undefined,
    threshold: task.openSet?.threshold,
    mirrored,
    evaluation: task.estimate?.evaluation,
    embedding,
    timings,
  };
}

/** Shares of the whole by stage, roughly as long as they take when nothing is loaded yet: where each begins and ends. */
const stages: Readonly<
  Record<Progress['stage'], { readonly text: string; readonly from: number; readonly to: number }>
> = {
  runtime: { text: 'Loading onnxruntime', from: 0, to: 0.1 },
  checkpoint: { text: 'Loading the checkpoint', from: 0.1, to: 0.2 },
  trunk: { text: 'Loading the pretrained network', from: 0.2, to: 0.35 },
  images: { text: 'Reading the photos', from: 0.35, to: 0.8 },
  architecture: { text: 'Choosing the architecture', from: 0.8, to: 0.85 },
  weights: { text: 'Adapting the weights', from: 0.85, to: 1 },
};

/** What the worker tells, in words. */
export function deviceStatus({ stage, done, total }: Progress): Status {
  const { text, from, to } = stages[stage];
  const share = total === undefined || total === 0 ? 0 : Math.min(done! / total, 1);
  const exact =
    total === undefined ? '' : stage === 'images' ? `: ${done!} of ${total}` : `: ${percent(share)}`;
  return { text: text + exact, done: from + (to - from) * share };
}

/**
 * Checkpoints that tasks of images can start from; the default one first.
 * @param ways number of classes that costs are told for
 */
export async function imageCheckpoints(
  signal?: AbortSignal,
  ways?: number,
): Promise<readonly Schema<'ImagesCheckpoint'>[]> {
  const all = await service().checkpoints({ ...(signal && { signal }), ...(ways !== undefined && { ways }) });
  return all
    .flatMap((checkpoint) => (checkpoint.kind === 'images' ? [checkpoint] : []))
    .sort((a, b) => Number(b.default) - Number(a.default));
}

/** A checkpoint of images, and where the worker finds what stands behind it. */
async function deviceSources(asked: string | undefined, signal?: AbortSignal) {
  const all = await imageCheckpoints(signal);
  const checkpoint = asked === undefined ? all[0] : all.find(({ id }) => id === asked);
  if (!checkpoint) throw new Error('The service has no checkpoint of images.');
  const sources: Sources = {
    checkpoint: { url: `/v1/checkpoints/${encodeURIComponent(checkpoint.id)}/file`, bytes: checkpoint.bytes },
    trunk: checkpoint.trunk,
    headers: authorization(),
  };
  return { checkpoint, sources };
}

/** Loads what tasks on this device need, before one is made. @throws MnasError, Error when it cannot be loaded */
export async function prepareDevice(checkpoint?: string): Promise<void> {
  const { sources } = await deviceSources(checkpoint);
  await ask('prepare', sources);
}

/** The checkpoint and the images as the worker takes them. */
async function deviceRequest({ classes, checkpoint: asked, budget }: Making, signal: AbortSignal) {
  const { checkpoint, sources } = await deviceSources(asked, signal);
  const request: AdaptRequest = {
    ...sources,
    steps: checkpoint.steps,
    budget,
    support: classes.flatMap(({ label, files }) =>
      files.map((file) => ({ label: canonicalLabel(label), file })),
    ),
  };
  return { checkpoint, request };
}

/** Whether there is anything to leave out: a class of two images or more. */
export const canEstimate = (classes: readonly ClassFiles[]): boolean =>
  classes.some(({ files }) => files.length > 1);

/** How well a task of these images does on those that are left out: as its making told, else where it was made. */
export async function qualityOf(
  { place, estimated, checkpoint, budget }: Pick<MadeTask, 'place' | 'estimated' | 'checkpoint' | 'budget'>,
  classes: readonly ClassFiles[],
  signal: AbortSignal,
): Promise<Quality | undefined> {
  if (!estimated && place === 'server') {
    const given = await service().estimate(filesByLabel(classes), { signal, checkpoint, ...budget });
    const posted = postedFiles(classes);
    const doubtful = given.mistakes.flatMap(({ part, label, given: taken }) =>
      part ? [{ file: posted[part.index]!, label, given: taken }] : [],
    );
    return { evaluation: given.evaluation, doubtful };
  }
  const all = classes.flatMap(({ files }) => files);
  const found =
    estimated ??
    (await ask('estimate', (await deviceRequest({ classes, checkpoint, budget }, signal)).request, {
      signal,
    }));
  if (!found) return undefined;
  const doubtful = found.mistakes.map(({ place: at, label, given }) => ({ file: all[at]!, label, given }));
  return { evaluation: found.evaluation, doubtful };
}

/** The same task without the server: the checkpoint comes here, the images stay. */
export async function makeOnDevice(making: Making, tell: Tell, signal: AbortSignal): Promise<MadeTask> {
  const { classes } = making;
  const { checkpoint, request } = await deviceRequest(making, signal);
  const onProgress = (progress: Progress) => tell(deviceStatus(progress));
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
    budget: making.budget,
    architecture: { genotype, weights, multiplyAdds },
    support,
    model,
    size,
    tellsKnown: true,
    threshold: adapted.openSet.threshold,
    mirrored: adapted.mirrored,
    embedding: Array.from(adapted.embedding),
    ...(evaluation && { estimated: { evaluation, mistakes: adapted.mistakes } }),
    timings,
  };
}
