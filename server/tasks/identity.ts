import { setImmediate } from 'node:timers/promises';
import { byCodePoint } from '../../model/task/canonical-support.ts';
import { limitNames } from '../../model/adaptation/budget.ts';
import type { Budget } from '../../model/adaptation/budget.ts';
import type { Point } from '../../model/regression/adapt.ts';
import type { CheckpointInfo, Kind, LabelledBytes, Toolchain } from '../ports.ts';
import { sha256 } from '../storage/sha256.ts';

/**
 * By kind, so that no two kinds share an id. Raise one when its ids are made of other things, or its adaptation
 * changes; of the exported file see `exporterVersion`.
 */
const identityVersion: Readonly<Record<Kind, string>> = {
  images: 'm-nas-task/2',
  regression: 'm-nas-regression-task/1',
};

/** Hashed at one go: some milliseconds. */
const stepBytes = 8 * 1024 ** 2;

/** A support set with the hashes of its pixels, by label, then by hash: the order that its id is made of. */
export interface HashedSupport {
  readonly images: LabelledBytes[];
  readonly hashes: readonly string[];
}

/**
 * The same multiset of (label, pixels) always gives the same sequence. The model has an order of its own
 * (`canonicalSupport`), by another hash: it also runs in browsers, which have no SHA-256 that answers at once, and its
 * order may not depend on the labels. Other requests have their turns meanwhile.
 */
export async function hashSupport(support: readonly LabelledBytes[]): Promise<HashedSupport> {
  const hashed: { readonly image: LabelledBytes; readonly hash: string }[] = [];
  let bytes = 0;
  for (const image of support) {
    hashed.push({ image, hash: sha256(image.pixels) });
    bytes += image.pixels.length;
    if (bytes < stepBytes) continue;
    bytes = 0;
    await setImmediate();
  }
  hashed.sort((a, b) => byCodePoint(a.image.label, b.image.label) || byHash(a.hash, b.hash));
  return { images: hashed.map(({ image }) => image), hashes: hashed.map(({ hash }) => hash) };
}

/** Labels that have an image in common. */
export interface SharedImages {
  readonly labels: string[];
  /** how many they have in common */
  readonly images: number;
}

/** Which labels have the same pixels, which teaches nothing of how to tell them apart; undefined where none do. */
export function sharedImages({ images, hashes }: HashedSupport): SharedImages[] | undefined {
  const labelsOf = new Map<string, Set<string>>();
  images.forEach(({ label }, i) => {
    const hash = hashes[i]!;
    labelsOf.set(hash, (labelsOf.get(hash) ?? new Set()).add(label));
  });
  const shared = new Map<string, SharedImages>();
  for (const labels of labelsOf.values()) {
    if (labels.size < 2) continue;
    const key = JSON.stringify([...labels]);
    shared.set(key, { labels: [...labels], images: (shared.get(key)?.images ?? 0) + 1 });
  }
  return shared.size === 0 ? undefined : [...shared.values()];
}

const byHash = (a: string, b: string) => Number(a > b) - Number(a < b);

export interface TaskIdentity {
  readonly checkpoint: Pick<CheckpointInfo, 'id' | 'sha256'>;
  readonly steps: number;
  /** absent where there is none, whose tasks have the ids that they had before there were budgets */
  readonly budget?: Budget | undefined;
  readonly toolchain: Toolchain;
}

/** The id of a task of images. */
export function imagesTaskId(identity: TaskIdentity, support: HashedSupport): string {
  const pairs = support.images.map((image, index) => [image.label, support.hashes[index]]);
  return taskId('images', identity, pairs);
}

/** The id of a regression task; the points are in float32 and in the order in which the checkpoint reads them. */
export function regressionTaskId(identity: TaskIdentity, points: readonly Point[]): string {
  return taskId('regression', identity, points);
}

/**
 * SHA-256, shortened to 128 bits, over a JSON text (so no two inputs share an encoding) of everything that the bytes of
 * a task's model depend on, so that a model made again under an id is the same file.
 */
function taskId(
  kind: Kind,
  { checkpoint, steps, budget, toolchain }: TaskIdentity,
  support: unknown,
): string {
  const { exporter, onnxruntime, provider } = toolchain;
  const text = JSON.stringify([
    identityVersion[kind],
    [exporter, onnxruntime, provider],
    [checkpoint.id, checkpoint.sha256],
    { steps, ...(budget && { budget: limitNames.map((name) => budget[name] ?? null) }) },
    support,
  ]);
  return sha256(text).slice(0, 32);
}
