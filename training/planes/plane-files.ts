import { createHash } from 'node:crypto';
import { appendFile, mkdir, open, readFile, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { viewCount } from '../../model/task/views.ts';
import { withoutImages } from '../data/skipped-images.ts';
import { isMissing } from '../../engine/files.ts';
import { writeAtomically } from '../run/write-atomically.ts';
import { imageCount, planeIndexSchema, rowBytes, rowCount } from './plane-domain.ts';
import type { PlaneDomain } from './plane-domain.ts';

/**
 * The files of one domain's planes in the cache folder: FINGERPRINT.bin has the rows, FINGERPRINT.progress what is
 * computed so far, and FINGERPRINT.json, written last, says that all is. Two processes that compute the same planes do
 * no harm: they write the same bytes to the same places.
 */
export interface PlaneFiles {
  readonly rows: string;
  readonly progress: string;
  readonly index: string;
}

export const planeFiles = (folder: string, fingerprint: string): PlaneFiles => ({
  rows: join(folder, `${fingerprint}.bin`),
  progress: join(folder, `${fingerprint}.progress`),
  index: join(folder, `${fingerprint}.json`),
});

/** A domain whose rows are known, but may not be computed yet. */
export type PlannedDomain = Omit<PlaneDomain, 'pixelHash' | 'skipped'>;

/** What is told of a slice whose rows are on disk. */
export interface FinishedSlice {
  /** SHA-256 of the pixels of its images. */
  readonly hash: string;
  /** Images that cannot be decoded, by their numbers in the domain, with what was said of them; their rows are zeros. */
  readonly skipped: readonly (readonly [image: number, message: string])[];
}

const skippedSchema = z.array(z.tuple([z.number(), z.string()]));

/** The domain whose computation is complete, or undefined. @throws Error when the index is none */
export async function completeDomain(files: PlaneFiles): Promise<PlaneDomain | undefined> {
  const text = await textOf(files.index);
  if (text === undefined) return undefined;
  try {
    const index = planeIndexSchema.parse(JSON.parse(text));
    return { ...index, images: imageCount(index.classes), path: files.rows };
  } catch (error) {
    throw new Error(`${files.index}: not an index of planes; delete it to compute them again`, {
      cause: error,
    });
  }
}

/** Computed slices. A line that a crash cut short does not count. */
export async function finishedSlices(files: PlaneFiles): Promise<Map<number, FinishedSlice>> {
  const begun = await stat(files.rows).catch(() => undefined);
  const text = begun === undefined ? '' : ((await textOf(files.progress)) ?? '');
  const lines = text.matchAll(/^(\d+) ([0-9a-f]{64})(?: (\[.*\]))?\n/gm);
  return new Map(
    Array.from(lines, ([, slice, hash, skipped]) => [
      Number(slice),
      { hash: hash!, skipped: skippedSchema.parse(JSON.parse(skipped ?? '[]')) },
    ]),
  );
}

/** Makes room for the rows, or leaves what is there. */
export async function beginRows(domain: PlannedDomain, files: PlaneFiles): Promise<void> {
  const file = await open(files.rows, 'a');
  try {
    await file.truncate(rowCount(domain) * rowBytes(domain));
  } finally {
    await file.close();
  }
}

/** Notes a slice whose rows are on disk. */
export function noteSlice(files: PlaneFiles, slice: number, { hash, skipped }: FinishedSlice): Promise<void> {
  const told = skipped.length === 0 ? '' : ` ${JSON.stringify(skipped)}`;
  return appendFile(files.progress, `${slice} ${hash}${told}\n`);
}

/**
 * Says that all rows are computed, and removes those of images that cannot be decoded.
 * @param slices all of them, in their order
 * @throws Error when no image can be decoded
 */
export async function completeRows(
  planned: PlannedDomain,
  slices: readonly FinishedSlice[],
  files: PlaneFiles,
): Promise<PlaneDomain> {
  const skipped = new Map(slices.flatMap((slice) => slice.skipped));
  const { classes, kept } = withoutImages(planned.name, planned.classes, skipped);
  const hash = createHash('sha256').update(JSON.stringify(classes));
  for (const slice of slices) hash.update(slice.hash);
  const domain: PlaneDomain = {
    ...planned,
    classes,
    images: kept.length,
    pixelHash: hash.digest('hex'),
    ...(skipped.size === 0 ? {} : { skipped: [...skipped.values()] }),
  };
  if (skipped.size > 0) {
    await rm(files.progress, { force: true }); // rows that are half moved are computed anew after a crash
    await moveRows(kept, rowBytes(domain) * viewCount(domain.views), files.rows);
  }
  await writeAtomically(files.index, JSON.stringify(planeIndexSchema.parse(domain)));
  await rm(files.progress, { force: true });
  return domain;
}

/** Leaves the images of these numbers alone in a file of so many bytes an image. */
async function moveRows(kept: readonly number[], bytes: number, path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const image = new Uint8Array(bytes);
    for (const [place, from] of kept.entries()) {
      if (place === from) continue;
      await file.read(image, 0, bytes, from * bytes);
      await file.write(image, 0, bytes, place * bytes);
    }
    await file.truncate(kept.length * bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}

/**
 * Makes sure that the rows of all domains stay within the limit, and that those which are not computed yet fit on the
 * disk.
 * @param all domains of a run
 * @param missing those of them that are not complete
 * @param maximumGigabytes GB of 10^9 bytes
 * @throws Error with the size of each domain and what can be changed
 */
export async function requireRoom(
  folder: string,
  all: readonly PlannedDomain[],
  missing: readonly PlannedDomain[],
  maximumGigabytes: number,
): Promise<void> {
  const bytes = (domain: PlannedDomain): number => rowCount(domain) * rowBytes(domain);
  const total = sum(all.map(bytes));
  if (total > maximumGigabytes * 1e9)
    throw new Error(
      `the planes take ${gigabytes(total)}, more than maximumGigabytes of ${maximumGigabytes} (` +
        all.map((domain) => `${domain.name} ${gigabytes(bytes(domain))}`).join(', ') +
        '): take fewer crops, taps or domains',
    );
  await mkdir(folder, { recursive: true });
  const written = await Promise.all(missing.map((domain) => bytesOnDisk(domain.path)));
  const needed = sum(missing.map(bytes)) - sum(written);
  const { bavail, bsize } = await statfs(folder);
  if (needed > bavail * bsize)
    throw new Error(
      `the planes need ${gigabytes(needed)} in ${folder}, where ${gigabytes(bavail * bsize)} are free: ` +
        'make room, or take fewer crops, taps or domains',
    );
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(2)} GB`;

/** What a file takes so far; its holes take nothing. */
const bytesOnDisk = (path: string): Promise<number> =>
  stat(path).then(
    ({ blocks }) => 512 * blocks,
    () => 0,
  );

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
