import { basename, join, resolve } from 'node:path';
import { allInOrder } from '../../engine/all-in-order.ts';
import { classFolders, entriesOf } from '../data/sources/folder.ts';
import type { ClassFolder } from '../data/sources/folder.ts';
import { someOf } from '../run/some-of.ts';

/** What a domain's evaluation holds out: whole classes, or images of every class. */
export type HeldOut = 'classes' | 'images';

/** A folder with a folder a class. */
export interface SurveyedDomain {
  /** Of letters, digits, dot, dash and underscore. */
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly heldOut: HeldOut;
}

export interface Survey {
  readonly domains: readonly SurveyedDomain[];
  /** Sentences on classes that take part in less than all. */
  readonly warnings: readonly string[];
}

/** Classes from which on whole ones are held out: three to test, two to validate, five to train. */
export const leastClasses = 10;
/** Images that a class needs where images are held out: two to train, two to validate, two to test. */
const leastImages = 6;

const parts: ReadonlySet<string> = new Set([
  'train',
  'training',
  'val',
  'valid',
  'validation',
  'test',
  'testing',
]);

/**
 * Looks at a folder of images: a folder a class in it, or one level more, domain/class. No image is opened.
 * @throws Error of one or two lines that says how the folder must be, where it is otherwise or has too few images
 */
export async function surveyImages(path: string): Promise<Survey> {
  const root = resolve(path);
  const { folders } = await entriesOf(root);
  const inner = await allInOrder(
    folders.map(async (name) => ({ name, ...(await entriesOf(join(root, name))) })),
  );
  const flat = inner.filter(({ files }) => files.length > 0);
  const nested = inner.filter(({ files, folders: own }) => files.length === 0 && own.length > 0);
  if (flat.length > 0 && nested.length > 0)
    throw new Error(
      `${path} mixes two layouts: ${flat[0]!.name} has files in it, ${nested[0]!.name} has folders; either every folder is a class, or every folder has a folder a class`,
    );
  if (nested.length === 0) return surveyOf([await surveyDomain(root)]);
  if (nested.every(({ name }) => parts.has(name.toLowerCase()))) {
    const names = nested.map(({ name }) => name);
    const largest = names.find((name) => name.toLowerCase().startsWith('train')) ?? names[0]!;
    throw new Error(
      `${path} is split already (${names.join(', ')}), but the command makes its own splits: give it ${join(path, largest)}`,
    );
  }
  return surveyOf(await allInOrder(nested.map(({ name }) => surveyDomain(join(root, name)))));
}

type SurveyedWithWarnings = SurveyedDomain & Pick<Survey, 'warnings'>;

function surveyOf(surveyed: readonly SurveyedWithWarnings[]): Survey {
  const names = surveyed.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new Error(`two folders are called ${twice} without the signs that names cannot have: rename one`);
  return {
    domains: surveyed.map(({ name, path, heldOut }) => ({ name, path, heldOut })),
    warnings: surveyed.flatMap(({ warnings }) => warnings),
  };
}

async function surveyDomain(path: string): Promise<SurveyedWithWarnings> {
  const classes = await classFolders(path);
  const [first] = classes;
  if (classes.length < 2)
    throw new Error(
      `${path} has one class, ${first!.name}: a task tells classes apart, so that it needs a folder for each of two at least`,
    );
  const heldOut = withAtLeast(classes, 2).length >= leastClasses ? 'classes' : 'images';
  const least = heldOut === 'classes' ? 2 : leastImages;
  const able = withAtLeast(classes, least);
  if (able.length < 2)
    throw new Error(
      `${path} has ${classes.length} classes (${countsOf(classes)}): with fewer than ${leastClasses}, images are held out, for which two classes or more need ${leastImages} images each\nAdd images, or classes of two images and more until there are ${leastClasses}.`,
    );
  const few = classes.filter((own) => !able.includes(own));
  const place = heldOut === 'classes' ? 'are in no task' : 'only train, or are in no task';
  const warnings =
    few.length === 0
      ? []
      : [`${basename(path)}: classes of fewer than ${least} images ${place}: ${countsOf(few)}`];
  return { name: nameOf(path), path, heldOut, warnings };
}

const withAtLeast = (classes: readonly ClassFolder[], images: number): ClassFolder[] =>
  classes.filter(({ paths }) => paths.length >= images);

/** Most classes that a sentence names. */
const mostNamed = 6;

const countsOf = (classes: readonly ClassFolder[]): string =>
  someOf(
    classes.map(({ name, paths }) => `${name} ${paths.length}`),
    mostNamed,
  ).join(', ');

/** The folder's name with a dash for every run of signs that names of domains cannot have. */
const nameOf = (path: string): string =>
  basename(path)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\w.-]+/g, '-')
    .replace(/^-+|-+$/g, '') || 'images';
