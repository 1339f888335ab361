import { createHash } from 'node:crypto';
import { appendFile, mkdir, open, readFile, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '../run/missing-file.ts';
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
export type PlannedDomain = Omit<PlaneDomain, 'pixelHash'>;

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

/** Computed slices and the hashes of their pixels. A line that a crash cut short does not count. */
export async function finishedSlices(files: PlaneFiles): Promise<Map<number, string>> {
  const begun = await stat(files.rows).catch(() => undefined);
  const text = begun === undefined ? '' : ((await textOf(files.progress)) ?? '');
  const lines = text.matchAll(/^(\d+) ([0-9a-f]{64})$/gm);
  return new Map(Array.from(lines, ([, slice, hash]) => [Number(slice), hash!]));
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
export const noteSlice = (files: PlaneFiles, slice: number, hash: string): Promise<void> =>
  appendFile(files.progress, `${slice} ${hash}\n`);

/** Says that all rows are computed. `slices` are the hashes of the pixels of all slices, in their order. */
export async function completeRows(
  domain: PlannedDomain,
  slices: readonly string[],
  files: PlaneFiles,
): Promise<PlaneDomain> {
  const hash = createHash('sha256').update(JSON.stringify(domain.classes));
  for (const slice of slices) hash.update(slice);
  const pixelHash = hash.digest('hex');
  await writeAtomically(files.index, JSON.stringify(planeIndexSchema.parse({ ...domain, pixelHash })));
  await rm(files.progress, { force: true });
  return { ...domain, pixelHash };
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
