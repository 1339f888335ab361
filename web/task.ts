import type { Genotype } from '../model/genotype.ts';
import * as api from './api.ts';
import { ask } from './device/client.ts';
import type { Stage } from './device/messages.ts';

export type Place = 'server' | 'device';

/** A task as the page shows it, wherever it was made. */
export interface MadeTask {
  readonly place: Place;
  readonly id: string;
  readonly createdAt: string;
  /** in the order of the model's outputs */
  readonly labels: readonly string[];
  readonly shots: Readonly<Record<string, number>>;
  readonly steps: number;
  readonly architecture: {
    readonly genotype: Genotype;
    readonly weights: number;
    readonly multiplyAdds: number;
  };
  readonly support: api.ImagesTask['support'];
  readonly model: Uint8Array;
  /** side of the model's input, pixels */
  readonly size: number;
  /** milliseconds by stage */
  readonly timings: Readonly<Record<string, number>>;
}

/** What is going on, in words. */
export type Tell = (status: string) => void;

export async function makeOnServer(
  classes: readonly api.ClassFiles[],
  tell: Tell,
  signal: AbortSignal,
): Promise<MadeTask> {
  tell('Uploading the images and adapting to them');
  const task = await api.createTask(classes, signal);
  return fetchModel(task);
}

/** A task that is on the server. @throws ServiceRefusal, Error when it is none of images */
export async function openOnServer(id: string): Promise<MadeTask> {
  const task = await api.getTask(id);
  if (task.kind !== 'images') throw new Error('This is a regression task; the page shows tasks of images.');
  return fetchModel(task);
}

async function fetchModel(task: api.ImagesTask): Promise<MadeTask> {
  const { id, createdAt, labels, shots, steps, support, timings } = task;
  // the contract allows the operation «none», which no genotype has
  const architecture = { ...task.architecture, genotype: task.architecture.genotype as Genotype };
  const model = await api.getModel(task);
  const size = task.model.preprocessing.resize.width;
  return {
    place: 'server',
    id,
    createdAt,
    labels,
    shots,
    steps,
    architecture,
    support,
    model,
    size,
    timings,
  };
}

const stages: Readonly<Record<Stage, string>> = {
  runtime: 'Loading onnxruntime',
  checkpoint: 'Loading the checkpoint',
  images: 'Preparing the images',
  adaptation: 'Choosing an architecture and adapting it',
};

/** The same task without the server: the checkpoint comes here, the images stay. */
export async function makeOnDevice(classes: readonly api.ClassFiles[], tell: Tell): Promise<MadeTask> {
  const checkpoint = await api.defaultCheckpoint();
  if (!checkpoint) throw new Error('The service has no checkpoint of images.');
  const labelled = classes.map(({ label, files }) => ({ label: label.normalize(), files }));
  const adapted = await ask(
    'adapt',
    {
      checkpoint: `/v1/checkpoints/${encodeURIComponent(checkpoint.id)}/file`,
      steps: checkpoint.steps,
      support: labelled.flatMap(({ label, files }) => files.map((file) => ({ label, file }))),
    },
    (stage) => tell(stages[stage]),
  );
  const { labels, genotype, weights, multiplyAdds, support, model, size, timings } = adapted;
  return {
    place: 'device',
    id: `device-${Date.now().toString(36)}`,
    createdAt: new Date().toISOString(),
    labels,
    shots: Object.fromEntries(labelled.map(({ label, files }) => [label, files.length])),
    steps: checkpoint.steps,
    architecture: { genotype, weights, multiplyAdds },
    support,
    model,
    size,
    timings,
  };
}
