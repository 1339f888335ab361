import { drawCells } from '../../drawing/draw-cells.ts';
import type { CellsPicture } from '../../drawing/draw-cells.ts';
import type { JobTable, ProgressOf, RequestOf, ResultOf } from '../../engine/jobs.ts';
import type { JobOptions } from '../../engine/pool-options.ts';
import { readTrunk } from '../../engine/trunk/file.ts';
import type { TrunkFile } from '../../engine/trunk/file.ts';
import { adaptOnTrunk, precompileOnTrunk } from '../../model/adaptation/adapt-on-trunk.ts';
import { adaptTask, precompile } from '../../model/adaptation/adapt-task.ts';
import type { AdaptationEvent, AdaptedTask } from '../../model/adaptation/adapt-task.ts';
import { genotypeCost } from '../../model/adaptation/child-cost.ts';
import type { GenotypeCost } from '../../model/adaptation/child-cost.ts';
import type { ViewRows } from '../../model/adaptation/support-rows.ts';
import { decodeCheckpoint } from '../../model/checkpoint/checkpoint.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { sizeOf } from '../../model/graph/shapes.ts';
import { toFloat } from '../../model/task/pixels.ts';
import type { TensorValue } from '../../model/graph/executor.ts';
import { adaptRegression } from '../../model/regression/adapt.ts';
import type { AdaptedRegression, RegressionEvent } from '../../model/regression/adapt.ts';
import { decodeRegressionCheckpoint } from '../../model/regression/checkpoint.ts';
import type { RegressionCheckpoint } from '../../model/regression/checkpoint.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import { sliceSize } from '../../model/trunk/planes.ts';
import { rowsOf } from '../../model/trunk/rows.ts';
import { readCheckpointFile } from './load-checkpoints.ts';
import type { CheckpointFile } from './load-checkpoints.ts';
import { infer } from './infer.ts';
import type {
  AdaptImagesRequest,
  AdaptRegressionRequest,
  InferRequest,
  Kind,
  PredictedImages,
  PredictImagesRequest,
  PredictRegressionRequest,
  StoredModel,
  StoredModelRequest,
  TellRangesRequest,
} from '../ports.ts';
import { predictImages } from './predict-images.ts';
import { predictRegression } from './predict-regression.ts';
import { storedModel } from './stored-model.ts';
import { tellRanges } from './tell-ranges.ts';
import { remembered } from '../concurrency/remembered.ts';

/** What every worker knows from its start. */
export interface ServerWorkerData {
  readonly checkpoints: readonly CheckpointFile[];
}

/** The jobs of the service's workers. */
export interface ServerJobs {
  /** Decodes every checkpoint and compiles its trunk, so that the first request does not pay for it; returns how many there are. */
  warm(): number;
  /** Compiles the graphs of one architecture of a checkpoint of images. */
  precompile(request: PrecompileRequest): void;
  /** What one architecture of a checkpoint of images costs. */
  genotypeCost(request: GenotypeCostRequest): GenotypeCost;
  /** The rows of views as the checkpoint reads them, [n, P]. */
  planes(request: PlanesRequest): Float32Array;
  adaptImages(request: AdaptImagesRequest, progress: (event: AdaptationEvent) => void): AdaptedTask;
  adaptOnTrunk(request: AdaptOnTrunkRequest, progress: (event: AdaptationEvent) => void): AdaptedTask;
  adaptRegression(
    request: AdaptRegressionRequest,
    progress: (event: RegressionEvent) => void,
  ): AdaptedRegression;
  predictImages(request: PredictImagesRequest): PredictedImages;
  predictRegression(request: PredictRegressionRequest): Float32Array;
  infer(request: InferRequest): Record<string, TensorValue>;
  tellRanges(request: TellRangesRequest): Uint8Array<ArrayBuffer>;
  storedModel(request: StoredModelRequest): StoredModel | null;
  drawCells(picture: CellsPicture): string;
}

/** Runs a job in one of the workers; its options say whom it counts for. */
export type RunJob = <K extends keyof ServerJobs>(
  job: K,
  request: RequestOf<ServerJobs, K>,
  options: JobOptions<ProgressOf<ServerJobs, K>>,
) => Promise<ResultOf<ServerJobs, K>>;

/** Views of images for a checkpoint's trunk: planar RGB bytes [n, 3, side, side]. */
export interface PlanesRequest {
  readonly checkpoint: string;
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/** A support set on a trunk: the label of every image, and the rows of its views. */
export interface AdaptOnTrunkRequest {
  readonly checkpoint: string;
  readonly steps: number;
  readonly labels: readonly string[];
  readonly rows: ViewRows;
  readonly allowed: AdaptImagesRequest['allowed'];
}

export interface PrecompileRequest {
  readonly checkpoint: string;
  /** position among the checkpoint's genotypes */
  readonly genotypeIndex: number;
}

export interface GenotypeCostRequest extends PrecompileRequest {
  /** number of classes */
  readonly way: number;
}

type ServerJobTable = JobTable<ServerJobs, ServerWorkerData>;

/** A checkpoint with its parameters, by kind. */
interface Decoded {
  readonly images: Checkpoint;
  readonly regression: RegressionCheckpoint;
}

const decoders: { readonly [K in Kind]: (bytes: Uint8Array) => Decoded[K] } = {
  images: decodeCheckpoint,
  regression: decodeRegressionCheckpoint,
};

/** This worker's checkpoints by id, each decoded once. */
const loaded: { readonly [K in Kind]: Map<string, Promise<Decoded[K]>> } = {
  images: new Map(),
  regression: new Map(),
};

function checkpointOf<K extends Kind>(kind: K, data: ServerWorkerData, id: string): Promise<Decoded[K]> {
  const known: Map<string, Promise<Decoded[K]>> = loaded[kind];
  return remembered(known, id, () => load(kind, data, id));
}

async function load<K extends Kind>(
  kind: K,
  { checkpoints }: ServerWorkerData,
  id: string,
): Promise<Decoded[K]> {
  const ofKind = checkpoints.filter((checkpoint) => checkpoint.kind === kind);
  return decoders[kind](await readCheckpointFile(ofKind, id));
}

/** This worker's trunks by the paths of their cards. */
const trunks = new Map<string, Promise<TrunkFile>>();

/**
 * The trunk of a checkpoint, read once.
 * @throws TrunkError when its file is not any more what it was at the start
 */
function trunkOf({ checkpoints }: ServerWorkerData, id: string): Promise<TrunkFile> {
  const file = checkpoints.find((checkpoint) => checkpoint.id === id);
  if (file?.kind !== 'images' || !file.trunk) throw new TypeError(`the checkpoint ${id} stands on no trunk`);
  const { card } = file.trunk;
  return remembered(trunks, card, () => readTrunk(card));
}

const planes: ServerJobTable['planes'] = async ({ checkpoint, pixels }, { models, workerData, transfer }) => {
  const trunk = await trunkOf(workerData, checkpoint);
  const { configuration } = await checkpointOf('images', workerData, checkpoint);
  const image = [3, trunk.card.side, trunk.card.side];
  const shape = [pixels.length / sizeOf(image), ...image];
  const rows = await rowsOf(models, trunk, configuration.trunk!.taps, { data: toFloat(pixels), shape });
  transfer(rows.buffer);
  return rows;
};

const warm: ServerJobTable['warm'] = async (_request, context) => {
  const { checkpoints } = context.workerData;
  for (const checkpoint of checkpoints) {
    await checkpointOf(checkpoint.kind, context.workerData, checkpoint.id);
    if (checkpoint.kind !== 'images' || !checkpoint.trunk) continue;
    const pixels = new Uint8Array(sliceSize * 3 * checkpoint.trunk.side ** 2);
    await planes({ checkpoint: checkpoint.id, pixels }, { ...context, progress: () => undefined });
  }
  return checkpoints.length;
};

/** The size of a task that a first request is most likely to have. */
const usualTask = { way: 5, shot: 5 };

/** The architecture that a request names, with its checkpoint. */
async function genotypeOf(
  { checkpoint: id, genotypeIndex }: PrecompileRequest,
  workerData: ServerWorkerData,
): Promise<{ readonly checkpoint: Checkpoint; readonly genotype: Genotype }> {
  const checkpoint = await checkpointOf('images', workerData, id);
  const genotype = checkpoint.genotypes[genotypeIndex];
  if (!genotype) throw new RangeError(`${id} has no genotype ${genotypeIndex}`);
  return { checkpoint, genotype };
}

const costOfGenotype: ServerJobTable['genotypeCost'] = async (request, { workerData }) => {
  const { checkpoint, genotype } = await genotypeOf(request, workerData);
  const trunk = checkpoint.configuration.trunk && (await trunkOf(workerData, request.checkpoint));
  return genotypeCost(checkpoint, trunk, genotype, request.way);
};

const precompileGenotype: ServerJobTable['precompile'] = async (request, { executor, workerData }) => {
  const { checkpoint, genotype } = await genotypeOf(request, workerData);
  const compile = checkpoint.configuration.trunk ? precompileOnTrunk : precompile;
  await compile(checkpoint, genotype, usualTask, executor);
};

const adaptToImages: ServerJobTable['adaptImages'] = async (request, context) => {
  const { checkpoint, steps, support, allowed } = request;
  const { executor, workerData, progress: report } = context;
  const images = support.map(({ label, pixels }) => ({ label, pixels: toFloat(pixels) }));
  const decoded = await checkpointOf('images', workerData, checkpoint);
  return adaptTask(decoded, images, { steps, allowed, report }, executor);
};

const adaptToPlanes: ServerJobTable['adaptOnTrunk'] = async (request, context) => {
  const { checkpoint, steps, labels, rows, allowed } = request;
  const { executor, workerData, progress: report, transfer } = context;
  const trunk = await trunkOf(workerData, checkpoint);
  const decoded = await checkpointOf('images', workerData, checkpoint);
  const options = { steps, allowed, report };
  const adapted = await adaptOnTrunk(decoded, trunk, { labels, rows }, options, executor);
  transfer(adapted.model.buffer);
  return adapted;
};

const adaptToPoints: ServerJobTable['adaptRegression'] = async (request, context) => {
  const { checkpoint, steps, support } = request;
  const { executor, workerData, progress: report } = context;
  const decoded = await checkpointOf('regression', workerData, checkpoint);
  return adaptRegression(decoded, support, { steps, report }, executor);
};

export const jobs: ServerJobTable = {
  warm,
  precompile: precompileGenotype,
  genotypeCost: costOfGenotype,
  planes,
  adaptImages: adaptToImages,
  adaptOnTrunk: adaptToPlanes,
  adaptRegression: adaptToPoints,
  predictImages: (request, { models }) => predictImages(models, request),
  predictRegression: (request, { models }) => predictRegression(models, request),
  infer: (request, { models }) => infer(models, request),
  tellRanges: async (request, { models, transfer }) => {
    const model = await tellRanges(models, request);
    transfer(model.buffer);
    return model;
  },
  storedModel: (request, { transfer }) => {
    const stored = storedModel(request);
    if (stored) transfer(stored.model.buffer);
    return Promise.resolve(stored);
  },
  // here, since loading Graphviz would hold up the thread that answers requests
  drawCells: (picture) => drawCells(picture),
};
