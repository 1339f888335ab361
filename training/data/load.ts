import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decoderVersion } from '../../images/decode.ts';
import { isMissing } from '../../engine/files.ts';
import { writeAtomically } from '../run/write-atomically.ts';
import { readPixels, sharedPixels, parseIndex } from './cache.ts';
import type { DomainIndex } from './cache.ts';
import { firstByHash } from './class-splits.ts';
import { splits } from './domain.ts';
import type { ImageClass, ImageDomain, Split } from './domain.ts';
import { isUndecodable, tellSkipped, withoutImages } from './skipped-images.ts';
import type { SkipOptions } from './skipped-images.ts';
import type { Source, SourceKind, SourceOf } from './source.ts';
import { folderReader } from './sources/folder.ts';
import { glyphsReader } from './sources/glyphs.ts';
import { iconsReader } from './sources/icons.ts';
import type { ListedClass, SourceReader } from './sources/listing.ts';
import { packReader } from './sources/pack.ts';

export interface LoadOptions extends SkipOptions {
  /** Decoded pixels are kept here, two files a domain and size. */
  readonly cacheFolder: string;
  /** Called after each decoded image; never when the cache answers. */
  readonly progress?: (done: number, total: number) => void;
}

const readers: { readonly [K in SourceKind]: SourceReader<SourceOf<K>> } = {
  pack: packReader,
  folder: folderReader,
  icons: iconsReader,
  glyphs: glyphsReader,
};

/** The table pairs each kind with its reader. */
const readerOf = (source: Source): SourceReader<Source> => readers[source.kind] as SourceReader<Source>;

/** Changes whenever a source's images may have changed; cheap. */
export const stampOf = (source: Source): Promise<string> => readerOf(source).stamp(source);

/** A part of a source's classes, for evaluation. */
export interface ClassPart {
  /** Of this split alone. */
  readonly split?: Split | undefined;
  /** At most so many of a split: those of the first hashes. */
  readonly mostClasses?: number | undefined;
}

/** The classes of a source, or a part of them, in an order that its images alone decide. */
export async function listClasses(
  source: Source,
  { split, mostClasses }: ClassPart = {},
): Promise<readonly ListedClass[]> {
  const all = await readerOf(source).list(source);
  const classes = split === undefined ? all : all.filter((own) => own.split === split);
  if (mostClasses === undefined) return classes;
  const namesOf = (own: Split): string[] => classes.flatMap((one) => (one.split === own ? one.name : []));
  const kept = new Map(splits.map((own) => [own, new Set(firstByHash(namesOf(own), mostClasses))]));
  return classes.filter((own) => kept.get(own.split)!.has(own.name));
}

/** Images decoded at a time: keeps sharp's threads busy while results are copied. */
const concurrency = 8;

/**
 * Loads a domain: from the cache, or by decoding every image of the source once. Images that cannot be decoded are left
 * out where somebody hears of it (`warn`).
 *
 * @param size side of the images, pixels
 * @throws Error naming the image when one cannot be decoded and nobody hears of it, the file when one is missing or malformed
 */
export async function loadDomain(source: Source, size: number, options: LoadOptions): Promise<ImageDomain> {
  const fingerprint = fingerprintOf(source, size, await stampOf(source));
  const files = {
    pixels: join(options.cacheFolder, `${fingerprint}.bin`),
    index: join(options.cacheFolder, `${fingerprint}.json`),
  };
  const cached = await readIndex(files.index);
  if (cached !== undefined) {
    const { skipped = [], ...index } = cached;
    tellSkipped(source.name, skipped, options);
    return { ...index, pixels: await readPixels(files.pixels, index) };
  }
  const classes = await listClasses(source);
  const { domain, skipped } = await decodeAll(source.name, size, classes, fingerprint, options);
  tellSkipped(source.name, skipped, options);
  await mkdir(options.cacheFolder, { recursive: true });
  await writeAtomically(files.pixels, domain.pixels);
  const common = { name: domain.name, size, classes: domain.classes, fingerprint };
  const index: DomainIndex = skipped.length === 0 ? common : { ...common, skipped };
  await writeAtomically(files.index, JSON.stringify(index)); // last: it says that the pixels are complete
  return domain;
}

function fingerprintOf(source: Source, size: number, stamp: string): string {
  const content = JSON.stringify({ source, size, decoderVersion, stamp });
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}

async function decodeAll(
  name: string,
  size: number,
  listed: readonly ListedClass[],
  fingerprint: string,
  { progress, warn }: LoadOptions,
): Promise<{ readonly domain: ImageDomain; readonly skipped: string[] }> {
  const all = placeClasses(name, listed);
  const images = listed.flatMap((own) => own.images);
  const length = 3 * size * size;
  const pixels = sharedPixels(images.length, size);
  const undecodable = new Map<number, Error>();
  let done = 0;
  const pending = images.entries(); // one iterator that all loops draw from
  const decodeNext = async (): Promise<void> => {
    for (const [index, image] of pending) {
      if (!warn && undecodable.size > 0) return;
      try {
        pixels.set(await named(image.label, image.read(size)), index * length);
      } catch (error) {
        if (!isUndecodable(error)) throw error;
        undecodable.set(index, error);
      }
      progress?.(++done, images.length);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, decodeNext));
  if (undecodable.size === 0)
    return { domain: { name, size, pixels, classes: all, fingerprint }, skipped: [] };
  const inOrder = [...undecodable].sort(([a], [b]) => a - b); // and not as their decoding ended
  if (!warn) throw inOrder[0]![1];
  const skipped = new Map(inOrder.map(([index, { message }]) => [index, message]));
  const { classes, kept } = withoutImages(name, all, skipped);
  const left = sharedPixels(kept.length, size);
  for (const [index, image] of kept.entries())
    left.set(pixels.subarray(image * length, (image + 1) * length), index * length);
  return { domain: { name, size, pixels: left, classes, fingerprint }, skipped: [...skipped.values()] };
}

/** Where the images of each class are, class by class. @throws Error when there are none */
export function placeClasses(name: string, listed: readonly ListedClass[]): ImageClass[] {
  let first = 0;
  const classes = listed.map((own): ImageClass => {
    const entry = { name: own.name, split: own.split, first, count: own.images.length };
    first += own.images.length;
    return entry;
  });
  if (first === 0) throw new Error(`domain ${name} has no images`);
  return classes;
}

/** The result, or its error with the label of what it comes from. */
export async function named<T>(label: string, result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw new Error(`${label}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** The index of a complete cache entry, or undefined when there is none. */
async function readIndex(path: string): Promise<DomainIndex | undefined> {
  try {
    return parseIndex(await readFile(path, 'utf8'));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw new Error(`${path}: not a domain index; delete it to decode again`, { cause: error });
  }
}
