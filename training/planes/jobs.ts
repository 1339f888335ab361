import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { JobContext, JobTable } from '../../engine/jobs.ts';
import { readTrunk } from '../../engine/trunk/file.ts';
import type { TrunkFile } from '../../engine/trunk/file.ts';
import { sizeOf } from '../../model/graph/shapes.ts';
import { viewCount } from '../../model/task/views.ts';
import type { Split } from '../data/domain.ts';
import { listClasses, named } from '../data/load.ts';
import type { ClassPart } from '../data/load.ts';
import { isUndecodable } from '../data/skipped-images.ts';
import type { Source } from '../data/source.ts';
import type { ListedImage } from '../data/sources/listing.ts';
import { encodeFloat16 } from '../../model/trunk/float16.ts';
import { sliceSize } from '../../model/trunk/planes.ts';
import { rowsOf } from '../../model/trunk/rows.ts';
import type { ReadTap } from '../../model/trunk/rows.ts';
import type { FinishedSlice, PlannedDomain } from './plane-files.ts';
import { rowBytes } from './plane-domain.ts';
import { renderViews } from './render-views.ts';

/** What every worker is given once. */
export interface PlanesWorkerData {
  /** Path of the trunk's card. */
  readonly trunk: string;
  readonly domains: readonly {
    readonly source: Source;
    /** The part of the classes that is kept; absent: all are. */
    readonly part?: ClassPart | undefined;
    readonly planned: PlannedDomain;
  }[];
  /** Whether an image that cannot be decoded is an error. */
  readonly strict: boolean;
}

/** Images `first` to `first + count - 1` of a domain. */
export interface SlicePayload {
  readonly domain: number;
  readonly first: number;
  readonly count: number;
}

/** The jobs of the workers that compute planes. */
export interface PlanesJobs {
  /** Computes and writes the rows of some images. */
  computeSlice(request: SlicePayload): FinishedSlice;
}

type PlanesTable = JobTable<PlanesJobs, PlanesWorkerData>;

interface Listed extends ListedImage {
  readonly split: Split;
}

/** Kept between jobs; the lists of one domain at a time. */
let trunk: Promise<TrunkFile> | undefined;
let listed: { readonly domain: number; readonly images: Promise<readonly Listed[]> } | undefined;

function imagesOf(
  domain: number,
  { source, part }: PlanesWorkerData['domains'][number],
): Promise<readonly Listed[]> {
  if (listed?.domain !== domain) {
    const images = listClasses(source, part).then((classes) =>
      classes.flatMap((own) => own.images.map((image) => ({ ...image, split: own.split }))),
    );
    listed = { domain, images };
  }
  return listed.images;
}

const computeSlice: PlanesTable['computeSlice'] = async ({ domain, first, count }, context) => {
  const { workerData: data } = context;
  const own = data.domains[domain]!;
  const { planned } = own;
  const file = await (trunk ??= readTrunk(data.trunk));
  const images = (await imagesOf(domain, own)).slice(first, first + count);
  const hash = createHash('sha256');
  const skipped: [number, string][] = [];
  const rows = new RowWriter(context, file, planned, count);
  const { side } = file.card;
  let next = images[0]?.original(side);
  for (const [index, { label, split }] of images.entries()) {
    const current = named(label, next!);
    next = images[index + 1]?.original(side); // decoded by other threads meanwhile
    next?.catch(() => undefined); // awaited in its turn, unless this image fails before
    try {
      const { whole, images: views } = renderViews(await current, side, split, planned);
      hash.update(whole);
      await rows.add(views);
    } catch (error) {
      if (data.strict || !isUndecodable(error)) throw error;
      skipped.push([first + index, error.message]);
      await rows.add(new Float32Array(viewCount(planned.views) * 3 * side ** 2));
    }
  }
  await rows.write(first);
  return { hash: hash.digest('hex'), skipped };
};

/** Views given to the trunk at once: so many of its slices, so that only the last one of a job is filled up. */
const batchViews = 4 * sliceSize;

/** Collects views, runs the trunk on full batches and keeps the rows in float16. */
class RowWriter {
  readonly #context: JobContext;
  readonly #trunk: TrunkFile;
  readonly #domain: PlannedDomain;
  /** Taps in their order, then the teacher. */
  readonly #outputs: readonly ReadTap[];
  readonly #batch: Float32Array;
  readonly #rows: Uint16Array<ArrayBuffer>;
  #filled = 0;
  #written = 0;

  constructor(context: JobContext, trunk: TrunkFile, domain: PlannedDomain, images: number) {
    this.#context = context;
    this.#trunk = trunk;
    this.#domain = domain;
    const outputs = domain.teacher === null ? domain.taps : [...domain.taps, domain.teacher];
    this.#outputs = outputs.map(({ name, shape: [channels, side] }) => ({ name, channels, side }));
    this.#batch = new Float32Array(batchViews * 3 * trunk.card.side ** 2);
    this.#rows = new Uint16Array((images * viewCount(domain.views) * rowBytes(domain)) / 2);
  }

  /** @param views float32 [n, 3, side, side] */
  async add(views: Float32Array): Promise<void> {
    for (let at = 0; at < views.length;) {
      const part = views.subarray(at, at + this.#batch.length - this.#filled);
      this.#batch.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#batch.length) await this.#flush();
    }
  }

  /** Runs the trunk on what is collected. */
  async #flush(): Promise<void> {
    const { side } = this.#trunk.card;
    const image = [3, side, side];
    const shape = [this.#filled / sizeOf(image), ...image];
    const images = { data: this.#batch.subarray(0, this.#filled), shape };
    const rows = await rowsOf(this.#context.models, this.#trunk, this.#outputs, images);
    encodeFloat16(rows, this.#rows, this.#written);
    this.#written += rows.length;
    this.#filled = 0;
  }

  /** Writes the rows to the domain's file, from the place of an image on, and waits until they are on disk. */
  async write(firstImage: number): Promise<void> {
    if (this.#filled > 0) await this.#flush();
    const file = await open(this.#domain.path, 'r+');
    try {
      const bytes = new Uint8Array(this.#rows.buffer);
      let position = firstImage * viewCount(this.#domain.views) * rowBytes(this.#domain);
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await file.write(bytes, at, bytes.length - at, position);
        at += bytesWritten;
        position += bytesWritten;
      }
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}

export const jobs: PlanesTable = { computeSlice };
