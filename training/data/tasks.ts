import { choice, fold, integer, permutation, uniform } from '../../model/random.ts';
import type { Key } from '../../model/random.ts';
import { drawView, noAugmentation, renderView } from './augment.ts';
import type { Augmentation } from './augment.ts';
import type { ClassedDomain, ImageClass, ImageDomain, Split } from './domain.ts';

/** An n-way k-shot task: `way` classes, `shot` support images a class, `query` queries. */
export interface TaskShape {
  readonly way: number;
  readonly shot: number;
  /** Query images a class; fewer where a class has fewer left. */
  readonly query: number;
}

export interface LabelledImages {
  /** [n, 3, size, size], planar RGB, 0..1. */
  readonly images: Float32Array;
  /** [n], indices of the task's classes. */
  readonly labels: Int32Array;
}

export interface Task {
  readonly domain: string;
  readonly size: number;
  /** Label i is class i; in random order. A turned class is NAME@90, NAME@180 or NAME@270. */
  readonly classes: readonly string[];
  readonly support: LabelledImages;
  /** Sorted by label. */
  readonly query: LabelledImages;
}

/** Gives memory for images, whatever is in it. */
export interface ImageMemory {
  take(length: number): Float32Array;
}

/** A class as it appears in a task. */
export interface DrawnClass {
  readonly name: string;
  readonly quarterTurns: number;
  /** Indices of images of the domain: support and query share none. */
  readonly support: readonly number[];
  readonly query: readonly number[];
}

/** An image of a domain and its label in a task. */
export interface Placed {
  readonly image: number;
  readonly label: number;
}

/**
 * Draws a task: a pure function of its arguments.
 *
 * A class can be drawn when it has images for the shot and, where queries are wanted, at least one
 * more; a class with too few for all queries gives what it has. No image is used twice.
 * Support and query images are augmented alike, each by its own draw, and lie in `memory`.
 *
 * @throws RangeError when the split has fewer than `way` such classes, or the shape is malformed
 */
export function sampleTask(
  key: Key,
  domain: ImageDomain,
  split: Split,
  shape: TaskShape,
  augmentation: Augmentation = noAugmentation,
  memory: ImageMemory = newMemory,
): Task {
  const drawn = drawClasses(key, domain, split, shape, augmentation.rotateClasses);
  const { support, query } = placedImages(key, drawn);
  const turns = drawn.map((own) => own.quarterTurns);
  return {
    domain: domain.name,
    size: domain.size,
    classes: drawn.map((own) => own.name),
    support: render(fold(key, 'support views'), domain, support, turns, augmentation, memory),
    query: render(fold(key, 'query views'), domain, query, turns, augmentation, memory),
  };
}

/** The images of drawn classes with their labels: the support set's in random order, the queries' by label. */
export function placedImages(
  key: Key,
  drawn: readonly DrawnClass[],
): { readonly support: readonly Placed[]; readonly query: readonly Placed[] } {
  const placed = (kind: 'support' | 'query'): Placed[] =>
    drawn.flatMap((own, label) => own[kind].map((image) => ({ image, label })));
  const support = placed('support');
  const order = permutation(fold(key, 'support order'), support.length);
  return { support: order.map((index) => support[index]!), query: placed('query') };
}

const newMemory: ImageMemory = { take: (length) => new Float32Array(length) };

/** Draws a domain with probability proportional to its weight. Throws RangeError on malformed weights. */
export function chooseDomain<D extends ClassedDomain>(
  key: Key,
  domains: readonly D[],
  weights: readonly number[],
): D {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const valid = weights.every((weight) => weight >= 0) && total > 0 && Number.isFinite(total);
  if (weights.length !== domains.length || !valid) {
    throw new RangeError(`${domains.length} domains need as many weights >= 0 with a positive sum`);
  }
  let rest = uniform(key, 1)[0]! * total;
  const chosen = weights.findIndex((weight) => (rest -= weight) < 0);
  const lastPositive = weights.findLastIndex((weight) => weight > 0); // where rounding leaves a rest of 0
  return domains[chosen === -1 ? lastPositive : chosen]!;
}

/**
 * Draws the domain of a training task as chooseDomain does, and the shape that the task has there: domains without two
 * training classes of enough images leave the shape to the others.
 * @throws RangeError on malformed weights
 */
export function chooseTraining<D extends ClassedDomain, S extends TaskShape>(
  key: Key,
  domains: readonly D[],
  weights: readonly number[],
  shape: S,
): { readonly domain: D; readonly shape: S } {
  const able = domains.map((domain) => hasSomeTasks(domain, 'train', shape));
  const some = able.includes(true);
  const domain = chooseDomain(
    key,
    domains,
    weights.map((weight, i) => (able[i] === some ? weight : 0)),
  );
  return { domain, shape: possibleShape(domain, 'train', shape) };
}

/** Images that a class needs to be drawn. */
export const imagesNeeded = (shape: TaskShape): number => checkedShape(shape).shot + Math.min(1, shape.query);

/** The classes of a split that have images enough for tasks of a shape. Throws RangeError when the shape is malformed. */
export const ableClasses = (domain: ClassedDomain, split: Split, shape: TaskShape): ImageClass[] =>
  domain.classes.filter((own) => own.split === split && own.count >= imagesNeeded(shape));

/** Whether a split has classes enough for tasks of a shape. Throws RangeError when the shape is malformed. */
export const hasTasks = (domain: ClassedDomain, split: Split, shape: TaskShape): boolean =>
  ableClasses(domain, split, shape).length >= shape.way;

/** Whether a split has tasks of a shape with as many ways as it has classes for, which are two at least. */
export const hasSomeTasks = (domain: ClassedDomain, split: Split, shape: TaskShape): boolean =>
  possibleShape(domain, split, shape).way >= 2;

/** The shape with as many ways as a split has classes for, where it has fewer. Throws RangeError when it is malformed. */
export const possibleShape = <S extends TaskShape>(domain: ClassedDomain, split: Split, shape: S): S => ({
  ...shape,
  way: Math.min(shape.way, ableClasses(domain, split, shape).length),
});

/**
 * Draws the classes of a task and their images, without rendering anything.
 * @throws RangeError when the split has too few classes
 */
export function drawClasses(
  key: Key,
  domain: ClassedDomain,
  split: Split,
  shape: TaskShape,
  rotate: boolean,
): DrawnClass[] {
  const needed = imagesNeeded(shape);
  const eligible = ableClasses(domain, split, shape);
  if (eligible.length < shape.way) {
    throw new RangeError(
      `${domain.name}/${split} has ${eligible.length} classes of at least ${needed} images, not ${shape.way}`,
    );
  }
  return choice(fold(key, 'classes'), eligible.length, shape.way).map((index, label) => {
    const own = eligible[index]!;
    const quarterTurns = rotate ? integer(fold(key, 'turns', label), 4) : 0;
    const name = quarterTurns === 0 ? own.name : `${own.name}@${90 * quarterTurns}`;
    return { name, quarterTurns, ...drawImages(fold(key, 'images', label), own, shape.shot, shape.query) };
  });
}

function drawImages(
  key: Key,
  own: ImageClass,
  shot: number,
  query: number,
): Pick<DrawnClass, 'support' | 'query'> {
  const count = shot + Math.min(query, own.count - shot);
  const images = choice(key, own.count, count).map((index) => own.first + index);
  return { support: images.slice(0, shot), query: images.slice(shot) };
}

/** The shape itself. @throws RangeError when its numbers are of no task */
function checkedShape(shape: TaskShape): TaskShape {
  const { way, shot, query } = shape;
  const positive = [way, shot].every((number) => Number.isInteger(number) && number >= 1);
  if (!positive || !Number.isInteger(query) || query < 0)
    throw new RangeError(`malformed task shape: way ${way}, shot ${shot}, query ${query}`);
  return shape;
}

function render(
  key: Key,
  { pixels, size }: ImageDomain,
  placed: readonly Placed[],
  turns: readonly number[],
  augmentation: Augmentation,
  memory: ImageMemory,
): LabelledImages {
  const length = 3 * size * size;
  const images = memory.take(placed.length * length); // [n, 3, size, size]
  for (const [index, { image, label }] of placed.entries()) {
    const view = drawView(fold(key, index), augmentation, turns[label]!, size);
    renderView(pixels, image * length, size, view, images, index * length);
  }
  return { images, labels: Int32Array.from(placed, ({ label }) => label) };
}
