import { fold, integer, uniform } from '../../model/random.ts';
import type { Key } from '../../model/random.ts';
import { viewCount } from '../../model/task/views.ts';
import type { PlaneDomain } from '../planes/plane-domain.ts';
import type { PlaneReader } from '../planes/plane-reader.ts';

/** A training class of a domain and its number among those of all domains. */
interface NumberedClass {
  readonly first: number;
  readonly count: number;
  readonly label: number;
}

/** The training classes of all domains, numbered through, and how often each domain is drawn. */
export interface ClassTable {
  readonly domains: readonly (readonly NumberedClass[])[];
  /** Cumulative probabilities of the domains: each proportional to the root of its number of images. */
  readonly cumulative: readonly number[];
  readonly classes: number;
}

const imagesOf = (classes: readonly NumberedClass[]): number =>
  classes.reduce((total, { count }) => total + count, 0);

/** @throws RangeError when there is no training class */
export function classTable(domains: readonly Pick<PlaneDomain, 'classes'>[]): ClassTable {
  let label = 0;
  const numbered = domains.map(({ classes }) =>
    classes
      .filter(({ split }) => split === 'train')
      .map(({ first, count }): NumberedClass => ({ first, count, label: label++ })),
  );
  if (label === 0) throw new RangeError('there are no training classes');
  const shares = numbered.map((classes) => Math.sqrt(imagesOf(classes)));
  const total = shares.reduce((sum, share) => sum + share, 0);
  let sofar = 0;
  return { domains: numbered, cumulative: shares.map((share) => (sofar += share / total)), classes: label };
}

/** Rows with soft labels: what one half of a step is given. */
export interface Batch {
  /** float32 [n, P] */
  readonly images: Float32Array;
  /** float32 [n, classes], rows that sum to one */
  readonly targets: Float32Array;
  /** float32 [n, length of the teacher's features] */
  readonly teacher: Float32Array;
}

/** Memory of a batch, used again and again. */
export const batchMemory = (
  count: number,
  { rowLength, teacherLength }: Pick<PlaneReader, 'rowLength' | 'teacherLength'>,
  { classes }: ClassTable,
): Batch => ({
  images: new Float32Array(count * rowLength),
  targets: new Float32Array(count * classes),
  teacher: new Float32Array(count * teacherLength),
});

export interface BatchOptions {
  readonly labelSmoothing: number;
  readonly mixup: number;
}

/**
 * Draws images of all domains, a view of each, and mixes neighbours (Zhang et al. 2018): a pure function of its key.
 * @param readers of the domains, in the order of the table
 */
export function drawBatch(
  key: Key,
  table: ClassTable,
  readers: readonly PlaneReader[],
  { labelSmoothing, mixup }: BatchOptions,
  { images, targets, teacher }: Batch,
): void {
  const { classes } = table;
  const { rowLength, teacherLength } = readers[0]!;
  const count = targets.length / classes;
  targets.fill(labelSmoothing / classes);
  const draws = uniform(fold(key, 'domains'), count);
  for (let i = 0; i < count; i++) {
    const domain = Math.min(
      table.cumulative.findIndex((upTo) => draws[i]! < upTo) >>> 0,
      table.domains.length - 1,
    );
    const own = table.domains[domain]!;
    let rest = integer(fold(key, 'image', i), imagesOf(own));
    const chosen = own.find(({ count: size }) => (rest -= size) < 0)!;
    const image = chosen.first + rest + chosen.count;
    const reader = readers[domain]!;
    const view = integer(fold(key, 'view', i), viewCount(reader.domain.views));
    const features = teacher.subarray(i * teacherLength, (i + 1) * teacherLength);
    reader.rows([{ image, view }], images, i * rowLength, features);
    targets[i * classes + chosen.label]! += 1 - labelSmoothing;
  }
  if (mixup === 0) return;
  const drawn = beta(fold(key, 'mix'), mixup);
  const share = Math.max(drawn, 1 - drawn);
  for (const values of [images, targets, teacher]) mixNeighbours(values, count, share);
}

/** Each row becomes `share` of itself and the rest of the one after it; the first row follows the last. */
function mixNeighbours(values: Float32Array, count: number, share: number): void {
  const width = values.length / count;
  const first = values.slice(0, width);
  for (let row = 0; row < count; row++) {
    const at = row * width;
    const next = row + 1 === count ? first : values.subarray(at + width, at + 2 * width);
    for (let i = 0; i < width; i++) values[at + i] = share * values[at + i]! + (1 - share) * next[i]!;
  }
}

/** A number of Beta(α, α), 0 < α ≤ 1, by Jöhnk's way: roots of two uniform numbers, drawn until they fit. */
function beta(key: Key, alpha: number): number {
  for (let trial = 0; ; trial++) {
    const [u, v] = uniform(fold(key, trial), 2) as unknown as [number, number];
    const [x, y] = [u ** (1 / alpha), v ** (1 / alpha)];
    if (x + y > 0 && x + y <= 1) return x / (x + y);
  }
}
