import type { Schema } from '../../contract/schema.ts';
import type { ImagesRecord, RegressionRecord, TaskRecord } from '../storage/record.ts';

/** The description of a task that the API gives. */
export function describeTask(record: TaskRecord): Schema<'Task'> {
  const { id, createdAt, checkpoint, steps } = record;
  const common = { id, createdAt, checkpoint: checkpoint.id, steps };
  if (record.kind === 'regression') {
    const { kind, shots, architecture, support, timings } = record;
    return { kind, ...common, shots, architecture, support, model: describeRegressionModel(record), timings };
  }
  const { kind, classes, architecture, support, mirrored, openSet, sharedImages, timings } = record;
  return {
    kind,
    ...common,
    labels: classes.map(({ label }) => label),
    shots: byLabel(classes.map(({ label, shots }) => [label, shots])),
    architecture,
    support,
    mirrored,
    ...(openSet && { openSet: describeOpenSet(openSet) }),
    ...(sharedImages && { sharedImages }),
    model: describeImagesModel(record),
    timings,
  };
}

const describeOpenSet = ({
  leftOut,
  threshold,
}: NonNullable<ImagesRecord['openSet']>): NonNullable<Schema<'ImagesTask'>['openSet']> => ({
  images: leftOut,
  ...(threshold !== undefined && { threshold }),
});

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
