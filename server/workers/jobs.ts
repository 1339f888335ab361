import { drawCells, type CellsPicture } from '../../drawing/draw-cells.ts';
import type { Job, JobTable } from '../../engine/jobs.ts';
import { readTrunk, type TrunkFile } from '../../engine/trunk/file.ts';
import { sliceSize } from '../../engine/trunk/planes.ts';
import { rowsOf } from '../../engine/trunk/rows.ts';
import { adaptOnTrunk, precompileOnTrunk } from '../../model/adaptation/adapt-on-trunk.ts';
import { adaptTask, precompile } from '../../model/adaptation/adapt-task.ts';
import { sizeOf } from '../../model/graph/shapes.ts';
import { decodeCheckpoint, type Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { toFloat } from '../../model/task/pixels.ts';
import { adaptRegression } from '../../model/regression/adapt.ts';
import { decodeRegressionCheckpoint, type RegressionCheckpoint } from '../../model/regression/checkpoint.ts';
import { readCheckpointFile, type CheckpointFile } from './load-checkpoints.ts';
import { infer } from './infer.ts';
import type {
  AdaptImagesRequest,
  AdaptRegressionRequest,
  InferRequest,
  Kind,
  PredictImagesRequest,
  PredictRegressionRequest,
} from '../ports.ts';
import { predictImages } from './predict-images.ts';
import { predictRegression } from './predict-regression.ts';
import { remembered } from '../concurrency/remembered.ts';

/** What every worker knows from its start. */
export interface ServerWorkerData {
  readonly checkpoints: readonly CheckpointFile[];
}

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

function checkpointOf<K extends Kind>(kind: K, workerData: unknown, id: string): Promise<Decoded[K]> {
  const known: Map<string, Promise<Decoded[K]>> = loaded[kind];
  return remembered(known, id, () => load(kind, workerData as ServerWorkerData, id));
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
function trunkOf(workerData: unknown, id: string): Promise<TrunkFile> {
  const { checkpoints } = workerData as ServerWorkerData;
  const file = checkpoints.find((checkpoint) => checkpoint.id === id);
  if (file?.kind !== 'images' || !file.trunk) throw new TypeError(`the checkpoint ${id} stands on no trunk`);
  const { card } = file.trunk;
  return remembered(trunks, card, () => readTrunk(card));
}

/** Planar RGB bytes [n, 3, side, side] of views of images. */
export interface PlanesPayload {
  readonly checkpoint: string;
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/** The rows of views as the checkpoint reads them, [n, P]. */
const planes: Job = async (payload, { models, workerData, transfer }) => {
  const { checkpoint, pixels } = payload as PlanesPayload;
  const trunk = await trunkOf(workerData, checkpoint);
  const { configuration } = await checkpointOf('images', workerData, checkpoint);
  const image = [3, trunk.card.side, trunk.card.side];
  const shape = [pixels.length / sizeOf(image), ...image];
  const rows = await rowsOf(models, trunk, configuration.trunk!.taps, { data: toFloat(pixels), shape });
  transfer(rows.buffer);
  return rows;
};

/** Decodes every checkpoint and compiles its trunk, so that the first request does not pay for it. */
const warm: Job = async (_payload, context) => {
  const { checkpoints } = context.workerData as ServerWorkerData;
  for (const checkpoint of checkpoints) {
    await checkpointOf(checkpoint.kind, context.workerData, checkpoint.id);
    if (checkpoint.kind !== 'images' || !checkpoint.trunk) continue;
    const pixels = new Uint8Array(sliceSize * 3 * checkpoint.trunk.side ** 2);
    await planes({ checkpoint: checkpoint.id, pixels } satisfies PlanesPayload, context);
  }
  return checkpoints.length;
};

/** The size of a task that a first request is most likely to have. */
const usualTask = { way: 5, shot: 5 };

/** Compiles the graphs of one architecture of a checkpoint of images; false when the checkpoint has no such architecture. */
const precompileGenotype: Job = async (payload, { executor, workerData }) => {
  const { checkpoint: id, genotype: index } = payload as { checkpoint: string; genotype: number };
  const checkpoint = await checkpointOf('images', workerData, id);
  const genotype = checkpoint.genotypes[index];
  if (!genotype) return false;
  const compile = checkpoint.configuration.trunk ? precompileOnTrunk : precompile;
  await compile(checkpoint, genotype, usualTask, executor);
  return true;
};

const adaptToImages: Job = async (payload, { executor, workerData, progress: report }) => {
  const { checkpoint, steps, support } = payload as AdaptImagesRequest;
  const images = support.map(({ label, pixels }) => ({ label, pixels: toFloat(pixels) }));
  return adaptTask(await checkpointOf('images', workerData, checkpoint), images, { steps, report }, executor);
};

/** A support set on a trunk: labels, and rows [images, P] of every view by its number. */
export interface AdaptOnTrunkPayload {
  readonly checkpoint: string;
  readonly steps: number;
  readonly labels: readonly string[];
  readonly rows: readonly Float32Array[];
}

const adaptToPlanes: Job = async (payload, { executor, workerData, progress: report, transfer }) => {
  const { checkpoint, steps, labels, rows } = payload as AdaptOnTrunkPayload;
  const trunk = await trunkOf(workerData, checkpoint);
  const decoded = await checkpointOf('images', workerData, checkpoint);
  const support = { labels, rows: (view: number) => rows[view]! };
  const adapted = await adaptOnTrunk(decoded, trunk, support, { steps, report }, executor);
  transfer(adapted.model.buffer);
  return adapted;
};

const adaptToPoints: Job = async (payload, { executor, workerData, progress: report }) => {
  const { checkpoint, steps, support } = payload as AdaptRegressionRequest;
  const decoded = await checkpointOf('regression', workerData, checkpoint);
  return adaptRegression(decoded, support, { steps, report }, executor);
};

/** The jobs of the service's workers. */
export const jobs: JobTable = {
  warm,
  precompile: precompileGenotype,
  planes,
  adaptImages: adaptToImages,
  adaptOnTrunk: adaptToPlanes,
  adaptRegression: adaptToPoints,
  predictImages: (payload, { models }) => predictImages(models, payload as PredictImagesRequest),
  predictRegression: (payload, { models }) => predictRegression(models, payload as PredictRegressionRequest),
  infer: (payload, { models }) => infer(models, payload as InferRequest),
  // here, since loading Graphviz would hold up the thread that answers requests
  drawCells: (payload) => drawCells(payload as CellsPicture),
};
