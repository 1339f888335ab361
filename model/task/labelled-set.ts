import type { Values } from '../graph/programs.ts';

/** Static shape of a task's sets. */
export interface TaskSize {
  readonly way: number;
  /** Images of the support set. */
  readonly support: number;
  /** Rows that each support image has, one a view of it, on a trunk; 1 where it is not said. */
  readonly views?: number;
}

/** Images and one-hot labels of a support set: [n, 3, s, s] in 0..1 and [n, way]. */
export interface LabelledSet {
  readonly images: Float32Array;
  readonly targets: Float32Array;
  readonly count: number;
  /** Whether the second half are the mirror images of the first, in the same order (adaptation/mirror-images.ts). */
  readonly mirrored?: boolean;
}

/** Mean loss and accuracy of a labelled set. */
export interface Fit {
  readonly loss: number;
  readonly accuracy: number;
}

/** Share of rows whose largest logit is at the label. */
export function accuracyOf(logits: Float32Array, targets: Float32Array, way: number): number {
  const count = logits.length / way;
  let right = 0;
  for (let i = 0; i < count; i++) {
    let best = 0;
    for (let c = 1; c < way; c++) if (logits[i * way + c]! > logits[i * way + best]!) best = c;
    right += targets[i * way + best]!;
  }
  return right / count;
}

/** The fit of a labelled set that the named results of a graph tell: its mean loss and its logits. */
export const fitOf = (
  results: Values,
  { targets }: LabelledSet,
  way: number,
  { loss, logits } = { loss: 'loss', logits: 'logits' },
): Fit => ({ loss: results[loss]![0]!, accuracy: accuracyOf(results[logits]!, targets, way) });

/** Probabilities of one image, by its logits. */
export function softmaxOf(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp(logit - largest));
  const total = exponentials.reduce((sum, x) => sum + x, 0);
  return exponentials.map((x) => x / total);
}

/** Of one image, by its logits. */
export function crossEntropyOf(logits: Float32Array, truth: number): number {
  const largest = Math.max(...logits);
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
  return Math.log(total) + largest - logits[truth]!;
}

/** What logits [n, way] make of a labelled set. */
export function fitOfLogits(
  logits: Float32Array,
  { targets }: Pick<LabelledSet, 'targets'>,
  way: number,
): Fit {
  const count = logits.length / way;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const truth = targets.indexOf(1, i * way) - i * way;
    total += crossEntropyOf(logits.subarray(i * way, (i + 1) * way), truth);
  }
  return { loss: total / count, accuracy: accuracyOf(logits, targets, way) };
}

export function oneHotTargets(labels: ArrayLike<number>, way: number): Float32Array {
  const targets = new Float32Array(labels.length * way);
  for (let i = 0; i < labels.length; i++) targets[i * way + labels[i]!] = 1;
  return targets;
}

/** The inputs of a graph that carry a support set. */
export const supportInputs = ({ images, targets }: LabelledSet): Values => ({
  'support.images': images,
  'support.targets': targets,
});

export const sizeKey = ({ way, support, views = 1 }: TaskSize): string =>
  `${way}w${support}${views === 1 ? '' : `v${views}`}`;

export function joined(a: Float32Array, b: Float32Array): Float32Array {
  const both = new Float32Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** A task with the query set that the outer objective is measured on. */
export interface MetaTask {
  readonly size: TaskSize;
  readonly support: LabelledSet;
  readonly query: LabelledSet;
}
