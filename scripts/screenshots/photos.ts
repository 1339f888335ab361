import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A class of photos: its name and the paths of its files, in the order of their names. */
export interface PhotoClass {
  readonly label: string;
  readonly files: readonly string[];
}

/** Photos of a class that a task is made of; the next ones are what it is tried with. */
export const shots = 5;

/** Least photos a class, and classes, that the states need. */
const least = { photos: shots + 3, classes: 5 };

/** Classes of a folder with a folder a class. @throws Error where there are too few classes or photos */
export async function photosOf(folder: string): Promise<readonly PhotoClass[]> {
  const names = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const all = await Promise.all(
    names.map(async ({ name: label }) => ({
      label,
      files: (await readdir(join(folder, label)))
        .filter((name) => /\.(jpe?g|png|webp)$/i.test(name))
        .sort()
        .map((name) => join(folder, label, name)),
    })),
  );
  const classes = all
    .filter(({ files }) => files.length >= least.photos)
    .sort((a, b) => (a.label < b.label ? -1 : 1));
  if (classes.length < least.classes)
    throw new Error(`${folder}: ${least.classes} folders with ${least.photos} photos each are needed`);
  return classes;
}
