import { drawCells, type CellsPicture } from '../../drawing/draw-cells.ts';
import type { Job, JobTable } from '../../engine/jobs.ts';
import { adaptTask, precompile } from '../../model/adaptation/adapt-task.ts';
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

/** Decodes every checkpoint, so that the first request does not pay for it. */
const warm: Job = async (_payload, { workerData }) => {
  const { checkpoints } = workerData as ServerWorkerData;
  for (const { kind, id } of checkpoints) await checkpointOf(kind, workerData, id);
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
  await precompile(checkpoint, genotype, usualTask, executor);
  return true;
};

const adaptToImages: Job = async (payload, { executor, workerData, progress: report }) => {
  const { checkpoint, steps, support } = payload as AdaptImagesRequest;
  const images = support.map(({ label, pixels }) => ({ label, pixels: toFloat(pixels) }));
  return adaptTask(await checkpointOf('images', workerData, checkpoint), images, { steps, report }, executor);
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
  adaptImages: adaptToImages,
  adaptRegression: adaptToPoints,
  predictImages: (payload, { models }) => predictImages(models, payload as PredictImagesRequest),
  predictRegression: (payload, { models }) => predictRegression(models, payload as PredictRegressionRequest),
  infer: (payload, { models }) => infer(models, payload as InferRequest),
  // here, since loading Graphviz would hold up the thread that answers requests
  drawCells: (payload) => drawCells(payload as CellsPicture),
};
