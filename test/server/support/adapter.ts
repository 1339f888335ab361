import { once } from 'node:events';
import { errorRecord, JobError } from '../../../engine/errors.ts';
import type { JobTable } from '../../../engine/jobs.ts';
import { createOnnxExecutor } from '../../../engine/onnxruntime.ts';
import { drawCells } from '../../../drawing/draw-cells.ts';
import { calibrateOpenSet, knownProbability } from '../../../model/adaptation/open-set.ts';
import type { OpenSet } from '../../../model/adaptation/open-set.ts';
import type { AdaptationEvent, AdaptedTask } from '../../../model/adaptation/adapt-task.ts';
import { Graph } from '../../../model/graph/graph.ts';
import { toOnnx } from '../../../model/graph/onnx/lowering.ts';
import { add, broadcast, matmul, mean, reshape, softmax } from '../../../model/graph/operations.ts';
import { storedModel } from '../../../server/workers/stored-model.ts';
import { tellRanges } from '../../../server/workers/tell-ranges.ts';
import { infer } from '../../../server/workers/infer.ts';
import { byCodePoint } from '../../../model/task/canonical-support.ts';
import type { ServerJobs, ServerWorkerData } from '../../../server/workers/jobs.ts';
import { createPoolAdapter } from '../../../server/workers/pool-adapter.ts';
import type { PoolUse, ServerPool } from '../../../server/workers/pool-adapter.ts';
import { sha256 } from '../../../server/storage/sha256.ts';
import { adaptRegression } from '../../../model/regression/adapt.ts';
import type {
  AdaptImagesRequest,
  AdaptRegressionRequest,
  CheckpointInfo,
  ImagesCheckpoint,
  RegressionCheckpoint,
  LabelledBytes,
  TaskAdapter,
  Watcher,
} from '../../../server/ports.ts';
import { noTraces } from '../../../server/tracing/traces.ts';
import { predictImages } from '../../../server/workers/predict-images.ts';
import { predictRegression } from '../../../server/workers/predict-regression.ts';
import type { GenotypeCost } from '../../../model/adaptation/child-cost.ts';
import { genotypesByDepth } from '../../support/random-trunk.ts';
import { tinyRegression } from '../../support/tiny-regression.ts';
import { closedGate } from './gate.ts';

export const imageSide = 8;

export const imagesCheckpoint = (id: string, isDefault = false): ImagesCheckpoint => ({
  kind: 'images',
  id,
  default: isDefault,
  sha256: sha256(id),
  bytes: 1000,
  imageSize: imageSide,
  genotypes: 0,
  int8: false,
  views: {},
  cost: {
    once: 1e6,
    step: 1e6,
    memory: { once: { atLeast: 1000, view: 1000 }, stepped: { atLeast: 1000, view: 1000 } },
  },
  steps: 5,
});

export const regressionCheckpoint = (
  id: string,
  order: RegressionCheckpoint['order'],
  isDefault = false,
): RegressionCheckpoint => ({
  kind: 'regression',
  id,
  default: isDefault,
  sha256: sha256(id),
  bytes: 1000,
  order,
  steps: 5,
});

/** A pool of one worker, for which nothing is too much. */
export const unlimited: PoolUse = {
  workers: 1,
  limits: { requestCost: Infinity, clientCost: Infinity, clientRequests: Infinity, jobBytes: Infinity },
  waiting: Infinity,
  traces: noTraces,
  shortage: () => undefined,
};

/** Two of each kind. */
export const everyKind: readonly CheckpointInfo[] = [
  imagesCheckpoint('photos', true),
  regressionCheckpoint('toy', 'sorted', true),
  regressionCheckpoint('drawn', 'drawn'),
  imagesCheckpoint('other'),
];

export interface FakeAdapter extends TaskAdapter {
  /** adaptations so far */
  readonly calls: (AdaptImagesRequest | AdaptRegressionRequest)[];
  /** awaited in every adaptation: tests hold it up or let it fail; they may look at the signal, which does nothing by itself */
  beforeAdapt: (signal: AbortSignal) => Promise<void>;
  /** awaited before that, while the queue has not taken the adaptation */
  beforeQueue: () => Promise<void>;
}

/** Of all fakes of a test file: what one has compiled the next one need not. */
const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: 32 });
/** The encoder that is compiled fastest. */
const model = { encoder: { kind: 'set', features: 4, state: 6 } };

/**
 * In-thread adapter: a nearest-mean-colour classifier as real ONNX, and M-NAS itself for regression, with a tiny model of
 * random parameters; both are predicted with by the service's own code.
 * @param around what stands in front of its pool
 */
export function createFakeAdapter(
  checkpoints: readonly CheckpointInfo[] = everyKind,
  around = (pool: ServerPool): ServerPool => pool,
): FakeAdapter {
  const toolchain = { exporter: 1, onnxruntime: '1.0.0', provider: 'cpu' };
  const pool = createPoolAdapter(around(createFakePool(checkpoints)), checkpoints, toolchain, unlimited);
  const fake: FakeAdapter = {
    ...pool,
    calls: [],
    beforeAdapt: () => Promise.resolve(),
    beforeQueue: () => Promise.resolve(),
    adaptImages: async (request, watcher) => {
      await begin(fake, request, watcher);
      return pool.adaptImages(request, told(watcher));
    },
    adaptRegression: async (request, watcher) => {
      await begin(fake, request, watcher);
      return pool.adaptRegression(request, told(watcher));
    },
  };
  return fake;
}

/** A watcher that `begin` has told of the queue already. */
const told = ({ report, ...asker }: Watcher): Watcher => ({
  ...asker,
  report: (event) => {
    if (event.kind !== 'accepted' && event.kind !== 'started') report(event);
  },
});

/** A pool of no workers: the service's jobs in this thread, with `adaptation` for images. */
export function createFakePool(checkpoints: readonly CheckpointInfo[] = everyKind): ServerPool {
  const unused = () => Promise.reject(new Error('no request asks for this job'));
  const jobs: JobTable<ServerJobs, ServerWorkerData> = {
    warm: unused,
    precompile: unused,
    genotypeCost: ({ genotypeIndex, way }) => Promise.resolve(costOf(genotypeIndex, way)),
    planes: unused,
    adaptOnTrunk: unused,
    adaptImages: async (request, { progress }) => Promise.resolve(adaptation(request, progress)),
    adaptRegression: ({ checkpoint: id, support, steps }, { progress: report }) => {
      const known = checkpoints.find((checkpoint) => checkpoint.id === id);
      if (known?.kind !== 'regression') throw new Error(`${id} is no checkpoint of regression`);
      return adaptRegression(
        tinyRegression({ id, order: known.order, model }),
        support,
        { steps, report },
        executor,
      );
    },
    predictImages: (request, { models }) => predictImages(models, request),
    predictRegression: (request, { models }) => predictRegression(models, request),
    infer: (request, { models }) => infer(models, request),
    tellRanges: (request, { models }) => tellRanges(models, request),
    storedModel: (request) => Promise.resolve(storedModel(request)),
    drawCells: (picture) => drawCells(picture),
  };
  const context = {
    executor,
    models: executor,
    workerData: { checkpoints: [] },
    workerIndex: 0,
    transfer: () => undefined,
  };
  return {
    run: async (job, request, options) => {
      options?.onAccepted?.();
      options?.onStarted?.();
      const progress = options?.onProgress ?? (() => undefined);
      try {
        return await jobs[job](request, { ...context, progress });
      } catch (error) {
        throw new JobError(errorRecord(error));
      }
    },
  };
}

/** More for every architecture than for the one before; of the first a bit more than `adaptation` gives. */
function costOf(genotypeIndex: number, way: number): GenotypeCost {
  const times = 1 + genotypeIndex;
  const plain = { weights: 4 * way * times, multiplyAdds: 3 * way * times, bytes: 4000 * times };
  return { genotype: genotypesByDepth[genotypeIndex]!, plain, mirrored: null };
}

/** The queue takes everything; `beforeAdapt` stands for its waiting. */
async function begin(
  fake: FakeAdapter,
  request: AdaptImagesRequest | AdaptRegressionRequest,
  { signal, report }: Watcher,
): Promise<void> {
  fake.calls.push(request);
  await fake.beforeQueue();
  report({ kind: 'accepted' });
  await fake.beforeAdapt(signal);
  report({ kind: 'started' });
}

function adaptation(
  { support, steps }: AdaptImagesRequest,
  report: (event: AdaptationEvent) => void,
): AdaptedTask {
  const labels = [...new Set(support.map(({ label }) => label))].sort(byCodePoint);
  const openSet = calibrateOpenSet({
    features: Float32Array.from(support.flatMap((image) => meanColour([image]))),
    labels: support.map(({ label }) => labels.indexOf(label)),
    way: labels.length,
  });
  const cell = { nodes: [[{ operation: 'skip_connect', input: 0 } as const]] };
  const genotype = { normal: cell, reduction: cell };
  report({ kind: 'genotype', genotype });
  for (let step = 0; step <= steps; step++)
    report({ kind: 'fit', step, loss: 1 / (1 + step), accuracy: step === 0 ? 0.5 : 1 });
  return {
    labels,
    genotype,
    mirrored: false,
    weights: 4 * labels.length,
    multiplyAdds: 3 * labels.length,
    support: { before: { loss: 1, accuracy: 0.5 }, after: { loss: 1 / (1 + steps), accuracy: 1 } },
    model: colourModel(labels, support, openSet),
    openSet: { midpoint: openSet.midpoint, slope: openSet.slope, threshold: 0.3, leftOut: openSet.leftOut },
    embedding: Float32Array.of(0.5, -0.5),
    timings: { adapt: 1.5 },
  };
}

/** logits = -sharpness |mean colour - class mean|², up to a term that all classes share. */
const sharpness = 20;

function colourModel(
  labels: readonly string[],
  support: readonly LabelledBytes[],
  openSet: OpenSet,
): Uint8Array {
  const means = labels.map((label) => meanColour(support.filter((image) => image.label === label)));
  const ways = labels.length;
  const weights = Float64Array.from({ length: 3 * ways }, (_, at) => {
    return 2 * sharpness * means[at % ways]![Math.floor(at / ways)]!;
  });
  const biases = Float64Array.from(means, (colour) => -sharpness * colour.reduce((sum, x) => sum + x * x, 0));
  const graph = new Graph();
  const colour = reshape(mean(graph.input('image', [2, 3, imageSide, imageSide]), [2, 3]), [2, 3]);
  const product = matmul(colour, graph.constant(weights, [3, ways]));
  const logits = add(product, broadcast(graph.constant(biases, [1, ways]), product.shape));
  const outputs = { logits, known: knownProbability(colour, openSet), probabilities: softmax(logits) };
  const metadata = { names: JSON.stringify(labels) };
  return toOnnx({ name: 'colours', outputs }, { dynamicBatch: 'n', portable: true, metadata });
}

/** Mean of each channel over images and positions, 0 to 1. */
function meanColour(images: readonly LabelledBytes[]): number[] {
  const area = imageSide * imageSide;
  return [0, 1, 2].map((channel) => {
    const values = images.flatMap(({ pixels }) => [...pixels.subarray(channel * area, (channel + 1) * area)]);
    return values.reduce((sum, value) => sum + value, 0) / values.length / 255;
  });
}

/** What work does that nothing ends but its signal: it rejects with the reason, as the pool does. */
export async function untilAborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason as Error;
}

/**
 * Holds every adaptation that begins from now on, until it is given up: `started` resolves with the first, `release` lets
 * all go on.
 */
export function holdAdaptation(adapter: Pick<FakeAdapter, 'beforeAdapt'>): {
  readonly started: Promise<void>;
  readonly release: () => void;
} {
  const { reached, pass, open } = closedGate();
  adapter.beforeAdapt = (signal) => Promise.race([pass(), untilAborted(signal)]);
  return { started: reached, release: open };
}
