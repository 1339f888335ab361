import { LRUCache } from 'lru-cache';
import { JobError, PoolClosedError, QueueFullError } from '../../engine/errors.ts';
import type { JobOptions } from '../../engine/pool-options.ts';
import type { WorkerPool } from '../../engine/pool.ts';
import type { AdaptedTask } from '../../model/adaptation/adapt-task.ts';
import type { GenotypeCost } from '../../model/adaptation/child-cost.ts';
import { remembered } from '../concurrency/remembered.ts';
import { LineFullError } from '../concurrency/turns.ts';
import { ServiceError } from '../errors/errors.ts';
import { imagesBatch } from '../ports.ts';
import type {
  AdaptationReport,
  AdaptImagesRequest,
  Asker,
  CheckpointInfo,
  ImagesCheckpoint,
  PredictImagesRequest,
  StoredModel,
  TaskAdapter,
  Toolchain,
  Watcher,
} from '../ports.ts';
import { noted } from '../tracing/traces.ts';
import type { Traces } from '../tracing/traces.ts';
import { admit } from './admission.ts';
import type { AskedWork, WorkLimits } from './admission.ts';
import { Backlog } from './backlog.ts';
import { JobMemory } from './job-memory.ts';
import type { Room } from './job-memory.ts';
import type { RunJob, ServerJobs } from './jobs.ts';
import { joinedPredictions } from './predict-images.ts';
import { supportRows } from './trunk-rows.ts';
import type { StandingCheckpoint } from './trunk-rows.ts';
import { workOfImages, workOfRegression } from './work.ts';

export type ServerPool = Pick<WorkerPool<ServerJobs>, 'run'>;

/** How the adapter uses the pool's workers. */
export interface PoolUse {
  /** workers that adapt; jobs that one support set's planes are computed by at a time */
  readonly workers: number;
  readonly limits: WorkLimits;
  /** adaptations that may wait for memory */
  readonly waiting: number;
  readonly traces: Pick<Traces, 'note'>;
  /** why memory has no room for an adaptation at present, in a sentence; undefined where it has */
  readonly shortage: () => string | undefined;
}

/** After which memory may have fallen below its limit. */
const shortageSeconds = 10;
/** Drawing cells, as multiply-adds. */
const drawing = 3e8;
/** Counting what an architecture costs, as multiply-adds. */
const counting = 8e8;
/** Storing a model's weights otherwise, as multiply-adds. */
const storing = 1.6e9;
/** Models that are kept with other weights: 13 MB each with float32, on the bundled trunk. */
const keptStored = 2;

/**
 * The adapter over worker threads that run `jobs.ts`. Predictions are urgent; every job counts for its
 * client.
 */
export function createPoolAdapter(
  pool: ServerPool,
  checkpoints: readonly CheckpointInfo[],
  toolchain: Toolchain,
  { workers, limits, waiting, traces, shortage }: PoolUse,
): TaskAdapter {
  const [adapting, predicting] = [new Backlog(workers), new Backlog(workers)];
  const memory = new JobMemory(limits.jobBytes, waiting);
  const takeRoom = noted(traces, 'wait for memory', (watcher: Watcher, bytes: number) =>
    memory.take(watcher, bytes),
  );
  const run: RunJob = async (job, request, options) => {
    const { cost = 1, urgent = false, client = '' } = options;
    const backlog = urgent ? predicting : adapting;
    const done = urgent ? backlog.add(client, cost) : () => undefined; // adaptations are noted as a whole
    let begun = performance.now();
    const onStarted = () => {
      begun = performance.now();
      options.onStarted?.();
    };
    try {
      const result = await pool.run(job, request, { ...options, onStarted });
      // what a regression task takes is not told by its cost
      if (job !== 'adaptRegression') backlog.learn(cost, (performance.now() - begun) / 1000);
      return result;
    } catch (error) {
      if (error instanceof QueueFullError)
        throw new ServiceError('overloaded', { retryAfter: backlog.relief(), cause: error });
      if (error instanceof PoolClosedError) throw new ServiceError('not-ready', { cause: error });
      if (error instanceof JobError && error.code === 'NOT_ADAPTABLE')
        throw new ServiceError('not-adaptable', { cause: error });
      throw error;
    } finally {
      done();
    }
  };
  const adapt = async <T>(
    watcher: Watcher,
    work: AskedWork,
    make: (room: Room) => Promise<T>,
  ): Promise<T> => {
    const reason = shortage();
    if (reason !== undefined)
      throw new ServiceError('overloaded', { detail: reason, retryAfter: shortageSeconds });
    const over = admit(adapting, limits, watcher, work);
    let room: Room | undefined;
    try {
      room = await takeRoom(watcher, work.bytes);
      return await make(room);
    } catch (error) {
      if (!(error instanceof LineFullError)) throw error;
      throw new ServiceError('overloaded', { retryAfter: adapting.relief(), cause: error });
    } finally {
      room?.end();
      over();
    }
  };
  const storedModels = new LRUCache<string, Promise<StoredModel | null>>({ max: keptStored });
  const counted = new Map<string, Promise<readonly GenotypeCost[]>>();
  return {
    checkpoints,
    toolchain,
    genotypeCosts: (checkpoint, way) =>
      remembered(counted, `${checkpoint} ${way}`, () =>
        costsOf(run, imagesCheckpoint(checkpoints, checkpoint), way),
      ),
    waitFor: (client) => adapting.waitFor(client),
    adaptImages: async (request, watcher) => {
      const checkpoint = imagesCheckpoint(checkpoints, request.checkpoint);
      const work = workOfImages(checkpoint, request, workers);
      const { trunk, views } = checkpoint;
      return adapt(watcher, work, (room) =>
        trunk
          ? adaptOnTrunk(run, request, room, { trunk, views, lanes: workers, cost: work.inner })
          : run('adaptImages', request, watched(room, work.cost)),
      );
    },
    adaptRegression: (request, watcher) => {
      const work = workOfRegression(request.steps);
      return adapt(watcher, work, (room) => run('adaptRegression', request, watched(room, work.cost)));
    },
    predictImages: (request, asker) => predictInPieces(run, request, asker),
    predictRegression: (request, asker) =>
      run('predictRegression', request, urgent(asker, request.multiplyAdds * request.x.length)),
    infer: (request, asker) =>
      run('infer', request, urgent(asker, request.multiplyAdds * request.input.shape[0]!)),
    // without a signal, since whoever asks next shares the work
    storedModel: ({ key, model }, weights, client) =>
      remembered(storedModels, `${key} ${weights}`, () =>
        run('storedModel', { model, weights }, { client, cost: storing, urgent: true }),
      ),
    tellRanges: (request, asker) =>
      run('tellRanges', request, urgent(asker, request.multiplyAdds * request.images.length)),
    drawCells: (picture, asker) => run('drawCells', picture, urgent(asker, drawing)),
  };
}

function imagesCheckpoint(checkpoints: readonly CheckpointInfo[], id: string): ImagesCheckpoint {
  const known = checkpoints.find((checkpoint) => checkpoint.id === id);
  if (known?.kind !== 'images') throw new TypeError(`${id} is no checkpoint of images`);
  return known;
}

/**
 * The planes of a support set by several jobs, `lanes` at a time, then the adaptation to them by one more.
 * @param cost of that one, multiply-adds
 */
async function adaptOnTrunk(
  run: RunJob,
  request: AdaptImagesRequest,
  room: Room,
  { lanes, cost, ...standing }: StandingCheckpoint & { readonly lanes: number; readonly cost: number },
): Promise<AdaptedTask> {
  const { checkpoint, steps, support, allowed } = request;
  const { watcher } = room;
  const labels = support.map(({ label }) => label);
  const start = performance.now();
  const rows = await supportRows(run, request, standing, lanes, watched(room, 1));
  support.length = 0; // its pixels are most of what the request holds
  const planes = performance.now() - start;
  const adapted = await run(
    'adaptOnTrunk',
    { checkpoint, steps, labels, rows, allowed },
    {
      ...asked(watcher, cost),
      onProgress: watcher.report,
      admitted: true,
      transfer: [rows.all.buffer],
    },
  );
  return { ...adapted, timings: { planes, ...adapted.timings } };
}

/** A job for each architecture, so that predictions have their turn between. It is nobody's, since all know it then. */
const costsOf = (
  run: RunJob,
  { id: checkpoint, genotypes }: ImagesCheckpoint,
  way: number,
): Promise<GenotypeCost[]> =>
  Promise.all(
    Array.from({ length: genotypes }, (_, genotypeIndex) =>
      run(
        'genotypeCost',
        { checkpoint, genotypeIndex, way },
        { cost: counting, urgent: true, admitted: true },
      ),
    ),
  );

/** A job for so many images as one run of the model takes, so that others have their turn after each. */
async function predictInPieces(run: RunJob, request: PredictImagesRequest, asker: Asker) {
  const { images, multiplyAdds } = request;
  const parts = [];
  for (let start = 0; start < images.length; start += imagesBatch) {
    const piece = images.slice(start, start + imagesBatch);
    const options = { ...urgent(asker, multiplyAdds * piece.length), admitted: start > 0 };
    parts.push(await run('predictImages', { ...request, images: piece }, options));
  }
  return joinedPredictions(parts);
}

/** Whom a job counts for, and how much. */
const asked = ({ signal, client }: Asker, cost: number) => ({ signal, client, cost: Math.max(cost, 1) });

const urgent = (asker: Asker, cost: number) => ({ ...asked(asker, cost), urgent: true });

/** The options of an adaptation's job, whose progress is what the model layer reports. */
const watched = ({ watcher, admitted }: Room, cost: number): JobOptions<AdaptationReport> => ({
  ...asked(watcher, cost),
  admitted,
  onAccepted: () => watcher.report({ kind: 'accepted' }),
  onStarted: () => watcher.report({ kind: 'started' }),
  onProgress: watcher.report,
});
