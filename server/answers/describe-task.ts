import type { Schema } from '../../contract/schema.ts';
import { estimateOf } from '../tasks/kept-estimate.ts';
import type { ImagesRecord, RegressionRecord, TaskRecord } from '../storage/record.ts';

/**
 * The description of a task that the API gives: first what a person asks, how good it is and what can be done
 * with it, last how it is built.
 */
export function describeTask(record: TaskRecord): Schema<'Task'> {
  if (record.kind === 'images') return describeImagesTask(record, estimateOf(record));
  const { kind, id, shots, support, architecture, timings } = record;
  return {
    kind,
    id,
    shots,
    support,
    links: linksOf(id),
    ...originOf(record),
    model: describeRegressionModel(record),
    timings,
    architecture,
  };
}

/** The same of a task of images, with an estimate of its accuracy where there is one. */
export function describeImagesTask(
  record: ImagesRecord,
  estimate: Schema<'TaskEstimate'> | undefined,
): Schema<'ImagesTask'> {
  const { kind, id, classes, budget, support, mirrored, openSet, sharedImages, timings, architecture } =
    record;
  return {
    kind,
    id,
    labels: classes.map(({ label }) => label),
    shots: byLabel(classes.map(({ label, shots }) => [label, shots])),
    ...(estimate && { estimate }),
    links: linksOf(id),
    ...originOf(record),
    ...(budget && { budget }),
    support,
    mirrored,
    ...(openSet && { openSet: describeOpenSet(openSet) }),
    ...(sharedImages && { sharedImages }),
    model: describeImagesModel(record),
    timings,
    architecture,
  };
}

const describeOpenSet = ({
  leftOut,
  threshold,
}: NonNullable<ImagesRecord['openSet']>): NonNullable<Schema<'ImagesTask'>['openSet']> => ({
  images: leftOut,
  ...(threshold !== undefined && { threshold }),
});

const originOf = ({ createdAt, checkpoint, steps }: TaskRecord) => ({
  createdAt,
  checkpoint: checkpoint.id,
  steps,
});

/** What can be done with a task, and where. */
function linksOf(id: string): Schema<'TaskLinks'> {
  const get = (path: string) => ({ method: 'GET' as const, url: `/v1/tasks/${id}/${path}` });
  const post = (path: string) => ({ method: 'POST' as const, url: `/v1/tasks/${id}/${path}` });
  return {
    predict: post('predictions'),
    evaluate: post('evaluations'),
    download: get('model'),
    bundle: get('bundle'),
    architecture: get('architecture.svg'),
  };
}

const fileOf = ({ id, model: { bytes, sha256 } }: TaskRecord) => ({
  url: `/v1/tasks/${id}/model`,
  bytes,
  sha256,
});

const tensor = (name: string, ...shape: Schema<'Tensor'>['shape']): Schema<'Tensor'> => ({
  name,
  type: 'float32',
  shape,
});

function describeRegressionModel(record: RegressionRecord): Schema<'RegressionModel'> {
  return { ...fileOf(record), input: tensor('x', 'n', 1), outputs: [tensor('y', 'n', 1)] };
}

function describeImagesModel(record: ImagesRecord): Schema<'ImagesModel'> {
  const {
    image: { size },
    classes,
    openSet,
  } = record;
  return {
    ...fileOf(record),
    input: tensor('image', 'n', 3, size, size),
    outputs: [
      tensor('logits', 'n', classes.length),
      ...(openSet ? [tensor('known', 'n', 1)] : []),
      tensor('probabilities', 'n', classes.length),
    ],
    preprocessing: {
      orientation: 'exif',
      colourSpace: 'sRGB',
      alpha: 'white',
      resize: { width: size, height: size, fit: 'fill', kernel: 'lanczos3' },
      layout: 'NCHW',
      range: [0, 1],
    },
  };
}

/** An object without prototype, so that every label can be a key. */
export function byLabel<T>(entries: readonly (readonly [string, T])[]): Record<string, T> {
  const object = Object.create(null) as Record<string, T>;
  for (const [label, value] of entries) object[label] = value;
  return object;
}
