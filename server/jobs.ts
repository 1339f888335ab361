import { readFile } from 'node:fs/promises';
import type { Job, JobTable } from '../engine/jobs.ts';
import { toFloat } from '../images/decode.ts';
import { adaptTask, precompile } from '../model/adapt.ts';
import { decodeCheckpoint, type Checkpoint } from '../model/checkpoint.ts';
import type { CheckpointFile } from './checkpoints.ts';
import { sha256 } from './identity.ts';
import type { AdaptRequest, PredictRequest } from './ports.ts';
import { predictImages } from './predict.ts';

/** What every worker knows from its start. */
export interface ServerWorkerData {
  readonly checkpoints: readonly CheckpointFile[];
}

/** This worker's checkpoints, each decoded once. */
const loaded = new Map<string, Promise<Checkpoint>>();

function checkpointOf(workerData: unknown, id: string): Promise<Checkpoint> {
  const known = loaded.get(id);
  if (known) return known;
  const file = (workerData as ServerWorkerData).checkpoints.find((checkpoint) => checkpoint.id === id);
  if (!file) throw new Error(`the worker knows no checkpoint ${id}`);
  const checkpoint = load(file);
  loaded.set(id, checkpoint);
  return checkpoint;
}

async function load(file: CheckpointFile): Promise<Checkpoint> {
  const bytes = await readFile(file.path);
  // ids name the hash that was read at start
  if (sha256(bytes) !== file.sha256) throw new Error(`${file.path} changed while the service was running`);
  return decodeCheckpoint(bytes);
}

/** Decodes every checkpoint, so that the first request does not pay for it. */
const warm: Job = async (_payload, { workerData }) => {
  const { checkpoints } = workerData as ServerWorkerData;
  for (const { id } of checkpoints) await checkpointOf(workerData, id);
  return checkpoints.length;
};

/** The size of a task that a first request is most likely to have. */
const usualTask = { way: 5, shot: 5 };

/** Compiles the graphs of one architecture of a checkpoint; false when the checkpoint has no such architecture. */
const precompileGenotype: Job = async (payload, { executor, workerData }) => {
  const { checkpoint: id, genotype: index } = payload as { checkpoint: string; genotype: number };
  const checkpoint = await checkpointOf(workerData, id);
  const genotype = checkpoint.genotypes[index];
  if (!genotype) return false;
  await precompile(checkpoint, genotype, usualTask, executor);
  return true;
};

const adapt: Job = async (payload, { executor, workerData }) => {
  const { checkpoint, steps, support } = payload as AdaptRequest;
  const images = support.map(({ label, pixels }) => ({ label, pixels: toFloat(pixels) }));
  return adaptTask(await checkpointOf(workerData, checkpoint), images, { steps }, executor);
};

const predict: Job = (payload, { models }) => predictImages(models, payload as PredictRequest);

/** The jobs of the service's workers. */
export const jobs: JobTable = { warm, precompile: precompileGenotype, adapt, predict };
