import { z } from 'zod';
import { operationNames } from '../model/genotype.ts';
import type { Schema } from './contract.ts';

const OPERATIONS = operationNames satisfies readonly Schema<'Operation'>[];

const count = z.number().int().nonnegative();
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const fit = z.object({ loss: z.number(), accuracy: z.number().min(0).max(1) });
const edge = z.object({ operation: z.enum(OPERATIONS), input: count });
const cell = z.object({ nodes: z.array(z.array(edge).min(1)).min(1) });

/** `task.json`: what is kept of a task beside its ONNX file. Labels are values, never keys (`__proto__` is one). */
export const taskRecordSchema = z.object({
  version: z.literal(1),
  id: z.string().regex(/^[0-9a-f]{32}$/),
  createdAt: z.iso.datetime(),
  checkpoint: z.object({ id: z.string(), sha256: hash }),
  steps: count,
  image: z.object({ size: z.number().int().positive() }),
  /** in the order of the model's outputs */
  classes: z.array(z.object({ label: z.string(), shots: z.number().int().positive() })).min(2),
  architecture: z.object({
    genotype: z.object({ normal: cell, reduction: cell }),
    weights: count,
    multiplyAdds: count,
  }),
  support: z.object({ before: fit, after: fit }),
  model: z.object({ bytes: z.number().int().positive(), sha256: hash }),
  embedding: z.array(z.number()),
  /** milliseconds per stage */
  timings: z.object({ receive: z.number(), decode: z.number(), total: z.number() }).catchall(z.number()),
});

export type TaskRecord = z.infer<typeof taskRecordSchema>;

/** The description of a task that the API gives. */
export function describeTask(record: TaskRecord): Schema<'Task'> {
  const { id, createdAt, checkpoint, steps, classes, architecture, support, timings } = record;
  return {
    id,
    createdAt,
    checkpoint: checkpoint.id,
    steps,
    labels: classes.map(({ label }) => label),
    shots: byLabel(classes.map(({ label, shots }) => [label, shots])),
    architecture,
    support,
    model: describeModel(record),
    timings,
  };
}

function describeModel({ id, model, image: { size }, classes }: TaskRecord): Schema<'Model'> {
  const output = (name: string): Schema<'Tensor'> => ({
    name,
    type: 'float32',
    shape: ['n', classes.length],
  });
  return {
    url: `/v1/tasks/${id}/model`,
    bytes: model.bytes,
    sha256: model.sha256,
    input: { name: 'image', type: 'float32', shape: ['n', 3, size, size] },
    outputs: [output('logits'), output('probabilities')],
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
