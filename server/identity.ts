import { createHash } from 'node:crypto';
import type { CheckpointInfo, SupportImage } from './ports.ts';

/** Raise it when the same input would give another task (another model, another preprocessing). */
const IDENTITY_VERSION = 'm-nas-task/1';

const ID_PATTERN = /^[0-9a-f]{32}$/;

/** Whether a string can be the id of a task: the guard before it becomes part of a path. */
export function isTaskId(text: string): boolean {
  return ID_PATTERN.test(text);
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Order by code point (UTF-16's own order differs above U+FFFF). */
export function compareCodePoints(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

/** A support set in its canonical order: by label, then by the hash of the pixels. */
export interface CanonicalSupport {
  readonly images: readonly SupportImage[];
  readonly hashes: readonly string[];
}

/** The same multiset of (label, pixels) always gives the same sequence. */
export function canonicalSupport(support: readonly SupportImage[]): CanonicalSupport {
  const hashed = support.map((image) => ({ image, hash: sha256(image.pixels) }));
  hashed.sort((a, b) => compareCodePoints(a.image.label, b.image.label) || compareCodePoints(a.hash, b.hash));
  return { images: hashed.map(({ image }) => image), hashes: hashed.map(({ hash }) => hash) };
}

/**
 * The task's id: SHA-256, shortened to 128 bits, over a JSON text (so no two inputs share an encoding) of the
 * checkpoint, the options and the canonical support set.
 */
export function taskId(checkpoint: CheckpointInfo, steps: number, support: CanonicalSupport): string {
  const pairs = support.images.map((image, index) => [image.label, support.hashes[index]]);
  const text = JSON.stringify([IDENTITY_VERSION, checkpoint.id, checkpoint.sha256, { steps }, pairs]);
  return sha256(text).slice(0, 32);
}
