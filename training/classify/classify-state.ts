import { decodeTensors, encodeTensors } from '../../model/checkpoint/safetensors.ts';
import type { RunFolder } from '../run/run-folder.ts';
import type { ClassifyConfiguration } from './configuration.ts';
import type { ClassifiedDomain } from './samples.ts';

/** All that the stage needs to go on exactly: batches are a function of seed and iteration. */
export interface ClassifyState {
  readonly iteration: number;
  readonly parameters: Float32Array;
  readonly momentum: Float32Array;
  readonly average: Float32Array;
  readonly seconds: number;
}

/** The file of a run's folder that has the state of the stage. */
export const stateFile = 'classify.safetensors';

/** What a saved state belongs to: everything of configuration and images that its bits depend on. */
export function classifyIdentity(
  { name, seed, model, planes, classify, stem, domains }: ClassifyConfiguration,
  read: readonly ClassifiedDomain[],
): string {
  return JSON.stringify({
    ...{ name, seed, model, planes, classify },
    drawn: domains.map(({ classified, weight }) => ({ classified, weight })),
    ...(stem ? { stem, augmentations: domains.map(({ augmentation }) => augmentation) } : {}),
    domains: read.map(identityOf),
  });
}

/** What a run's identity says of a domain. */
function identityOf(own: ClassifiedDomain): object {
  if (own.kind === 'images') {
    const { fingerprint } = own.domain;
    return { fingerprint, ...(own.taught ? { taught: own.taught.fingerprint } : {}) };
  }
  const { fingerprint, pixelHash } = own.domain;
  return { fingerprint, pixelHash };
}

export function encodeState(
  { iteration, seconds, parameters, momentum, average }: ClassifyState,
  identity: string,
): Uint8Array {
  const vector = (data: Float32Array) => ({ shape: [data.length], data });
  return encodeTensors({
    tensors: {
      parameters: vector(parameters),
      momentum: vector(momentum),
      average: vector(average),
    },
    metadata: {
      iteration: String(iteration),
      seconds: String(seconds),
      configuration: identity,
    },
  });
}

/**
 * The saved state of a run's folder.
 * @throws Error when it is of another configuration or of other images
 */
export async function loadState(folder: RunFolder, identity: string): Promise<ClassifyState> {
  const { tensors, metadata } = decodeTensors(await folder.readState(stateFile));
  if (metadata['configuration'] !== identity)
    throw new Error(`${folder.path} holds a run of another configuration or of other images`);
  const vector = (name: string): Float32Array => tensors[name]!.data;
  return {
    iteration: Number(metadata['iteration']),
    seconds: Number(metadata['seconds']),
    parameters: vector('parameters'),
    momentum: vector('momentum'),
    average: vector('average'),
  };
}
