import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { readTrunk } from '../../engine/trunk/file.ts';
import { WorkerPool } from '../../engine/pool.ts';
import { decoderVersion } from '../../images/decode.ts';
import { canHalve } from '../../model/trunk/halve.ts';
import type { TrunkCard } from '../../model/trunk/trunk.ts';
import { listClasses, placeClasses, stampOf } from '../data/load.ts';
import { tellSkipped } from '../data/skipped-images.ts';
import type { SkipOptions } from '../data/skipped-images.ts';
import type { Source } from '../data/source.ts';
import { located } from '../data/domains.ts';
import { locatedPath, repository } from '../run/paths.ts';
import type { PlanesConfiguration } from './configuration.ts';
import type { PlanesJobs, PlanesWorkerData } from './jobs.ts';
import { imageCount } from './plane-domain.ts';
import type { PlaneDomain, TapPlanes } from './plane-domain.ts';
import {
  beginRows,
  completeDomain,
  completeRows,
  finishedSlices,
  noteSlice,
  planeFiles,
  requireRoom,
} from './plane-files.ts';
import type { PlannedDomain } from './plane-files.ts';

/** Raised whenever rows change with all that the fingerprint names unchanged: views, layout, slices. */
const planesVersion = 1;

/** Images of one job: what is lost at most, for each worker, when a computation is interrupted. */
const sliceImages = 32;

export interface PlaneOptions extends SkipOptions {
  /** Where planes are kept. */
  readonly cacheFolder: string;
  /** Hears of domains that have to be computed: images that are done, and all. */
  readonly progress?: (domain: string, done: number, total: number) => void;
  /** Ends the computation; what is done is kept. */
  readonly signal?: AbortSignal | undefined;
}

export const planesFolder = join(repository, '.cache/planes');

/**
 * The planes of all domains of a configuration: from the cache, or computed by its workers and kept. An interrupted
 * computation goes on where it was. Images that cannot be decoded are left out where
 * somebody hears of it (`warn`).
 * @throws Error naming the image that cannot be decoded, the trunk or tap that is missing, or the room that is
 * @throws the signal's reason
 */
export async function preparePlanes(
  { planes, domains, workers }: PlanesConfiguration,
  options: PlaneOptions,
): Promise<PlaneDomain[]> {
  const { cacheFolder } = options;
  const trunkPath = locatedPath(planes.trunk);
  const { card } = await readTrunk(trunkPath);
  const outputs = {
    taps: planes.taps.map((name) => averagedOutput(outputOf(card, name), planes.side)),
    teacher: planes.teacher === undefined ? null : outputOf(card, planes.teacher),
  };
  const planned: (PlaneDomain | Missing)[] = [];
  for (const { source, views, part } of domains) {
    const own = located(source);
    const fingerprint = fingerprintOf(own, await stampOf(own), card, { ...planes, views, part });
    const files = planeFiles(cacheFolder, fingerprint);
    const complete = await completeDomain(files);
    if (complete !== undefined) planned.push(complete);
    else {
      const classes = placeClasses(source.name, await listClasses(own, part));
      const images = imageCount(classes);
      const domain = { name: source.name, classes, images, views, ...outputs, fingerprint, path: files.rows };
      planned.push({ source: own, part, planned: domain });
    }
  }
  const missing = planned.filter((domain): domain is Missing => 'planned' in domain);
  await requireRoom(
    cacheFolder,
    planned.map((domain) => ('planned' in domain ? domain.planned : domain)),
    missing.map((domain) => domain.planned),
    planes.maximumGigabytes,
  );
  const workerData = { trunk: trunkPath, domains: missing, strict: options.warn === undefined };
  const computed = await computeAll(workerData, workers, options);
  const prepared = planned.map((domain) => ('planned' in domain ? computed.get(domain)! : domain));
  for (const { name, skipped = [] } of prepared) tellSkipped(name, skipped, options);
  return prepared;
}

type PlanesPool = WorkerPool<PlanesJobs, PlanesWorkerData>;
type Missing = PlanesWorkerData['domains'][number];

function outputOf({ name: trunk, taps }: TrunkCard, name: string): TapPlanes {
  const tap = Object.hasOwn(taps, name) ? taps[name] : undefined;
  if (tap === undefined)
    throw new Error(`trunk ${trunk} has no ${name}, but ${Object.keys(taps).join(', ')}`);
  return { name, shape: [tap.channels, tap.side, tap.side] };
}

/** A tap's planes as a row has them. @throws Error when halves do not lead to the side */
function averagedOutput(tap: TapPlanes, side: number | undefined): TapPlanes {
  const [channels, own] = tap.shape;
  if (side === undefined || own <= side) return tap;
  if (!canHalve(own, side)) throw new Error(`tap ${tap.name}: planes of ${own} do not halve to ${side}`);
  return { ...tap, shape: [channels, side, side] };
}

/** A source's path is not part of it: its stamp tells its content. */
function fingerprintOf(
  source: Source,
  stamp: string,
  { sha256, side }: TrunkCard,
  {
    taps,
    side: planeSide,
    teacher,
    views,
    part,
  }: PlanesConfiguration['planes'] & Pick<PlanesConfiguration['domains'][number], 'views' | 'part'>,
): string {
  const content = JSON.stringify({
    source: { ...source, path: undefined },
    stamp,
    trunk: sha256,
    side,
    taps,
    ...(planeSide === undefined ? {} : { planeSide }),
    teacher,
    views,
    ...(part === undefined ? {} : { part }),
    decoderVersion,
    planesVersion,
  });
  return createHash('sha256').update(content).digest('hex').slice(0, 32);
}

async function computeAll(
  workerData: PlanesWorkerData,
  workers: number,
  options: PlaneOptions,
): Promise<Map<Missing, PlaneDomain>> {
  const computed = new Map<Missing, PlaneDomain>();
  if (workerData.domains.length === 0) return computed;
  const pool: PlanesPool = new WorkerPool({
    workers,
    queueLimit: workers,
    jobs: new URL('./jobs.ts', import.meta.url),
    engine: { provider: 'cpu', threads: 1, cacheSize: 1 },
    workerData,
  });
  try {
    for (const [index, domain] of workerData.domains.entries())
      computed.set(domain, await computeDomain(pool, workers, index, domain.planned, options));
  } finally {
    await pool.close();
  }
  return computed;
}

async function computeDomain(
  pool: PlanesPool,
  workers: number,
  domain: number,
  planned: PlannedDomain,
  { cacheFolder, progress, signal }: PlaneOptions,
): Promise<PlaneDomain> {
  const files = planeFiles(cacheFolder, planned.fingerprint);
  const finished = await finishedSlices(files);
  await beginRows(planned, files);
  const total = planned.images;
  const sizeOfSlice = (slice: number): number => Math.min(sliceImages, total - slice * sliceImages);
  let done = [...finished.keys()].reduce((sum, slice) => sum + sizeOfSlice(slice), 0);
  progress?.(planned.name, done, total);
  const slices = Array.from({ length: Math.ceil(total / sliceImages) }, (_, slice) => slice);
  const pending = slices.filter((slice) => !finished.has(slice)).values(); // all loops draw from it
  const failed = new AbortController();
  const computeNext = async (): Promise<void> => {
    for (const slice of pending) {
      if (signal?.aborted || failed.signal.aborted) return;
      const payload = { domain, first: slice * sliceImages, count: sizeOfSlice(slice) };
      const told = await pool.run('computeSlice', payload);
      await noteSlice(files, slice, told);
      finished.set(slice, told);
      progress?.(planned.name, (done += payload.count), total);
    }
  };
  const loops = Array.from({ length: workers }, () =>
    computeNext().catch((error: unknown) => {
      failed.abort();
      throw error;
    }),
  );
  await Promise.all(loops);
  signal?.throwIfAborted();
  return completeRows(
    planned,
    slices.map((slice) => finished.get(slice)!),
    files,
  );
}
