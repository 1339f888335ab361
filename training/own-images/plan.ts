import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import * as z from 'zod';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import type { TrainingConfiguration } from '../outer-loop/configuration.ts';
import { trunkCard } from '../planes/model-planes.ts';
import { repository, withoutTilde } from '../run/paths.ts';
import { readCheckpoint } from '../run/read-checkpoint.ts';
import { ownConfiguration } from './configuration.ts';
import { withFreedShares } from './freed-shares.ts';
import type { FreedShares } from './freed-shares.ts';
import { surveyImages } from './survey.ts';
import type { Survey } from './survey.ts';

/** What shares start from and how far they may go, by validation classes of one kind of images (docs/training.md). */
const ownShares: FreedShares = { cells: 0.4, bound: 1 };

const bundled = join(repository, 'checkpoints');

/** What the command line says of a run of own images. */
export interface OwnImagesOptions {
  /** The folder. */
  readonly images: string;
  /** Path of the checkpoint that is fine-tuned; absent: the bundled default. */
  readonly from?: string | undefined;
  /** Of the run; absent: the folder's. */
  readonly name?: string | undefined;
  readonly mirror: boolean;
  readonly iterations?: number | undefined;
  readonly workers: number;
}

export interface OwnImagesPlan {
  readonly survey: Survey;
  /** What is fine-tuned, and what the result is compared with. */
  readonly before: Checkpoint;
  /** What the run begins with: the same, but for its shares. */
  readonly checkpoint: Checkpoint;
  readonly configuration: TrainingConfiguration;
}

/** Looks at the images and the checkpoint. @throws Error of one or two lines that says what is missing */
export async function planOwnImages(options: OwnImagesOptions): Promise<OwnImagesPlan> {
  const images = withoutTilde(options.images);
  const survey = await surveyImages(images);
  const path = options.from ?? (await defaultCheckpoint());
  const before = await readCheckpoint(path);
  const checkpoint = withFreedShares(before, ownShares);
  const configuration = await ownConfiguration({
    ...options,
    name: options.name ?? runName(images),
    checkpoint,
    trunk: trunkCard(path, checkpoint.configuration),
    domains: survey.domains,
    iterations: options.iterations,
  });
  return { survey, before, checkpoint, configuration };
}

/** Path of the checkpoint that checkpoints/default.json names. */
export async function defaultCheckpoint(): Promise<string> {
  const text = await readFile(join(bundled, 'default.json'), 'utf8');
  const { images } = z.object({ images: z.string() }).parse(JSON.parse(text));
  return join(bundled, `${images}.safetensors`);
}

/** The folder's name as that of a run; one that a bundled checkpoint has gets `own-` before it, since ids must differ. */
function runName(images: string): string {
  const plain = basename(resolve(images))
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|-+$/g, '')
    .slice(0, 50);
  const name = plain === '' ? 'images' : plain;
  return existsSync(join(bundled, `${name}.safetensors`)) ? `own-${name}` : name;
}
