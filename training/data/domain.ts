/** Meta-training, meta-validation and meta-test classes; the three share no class. */
export type Split = 'train' | 'val' | 'test';
export const splits = ['train', 'val', 'test'] as const satisfies readonly Split[];

/** Images first..first+count-1 of a domain's pixels. */
export interface ImageClass {
  readonly name: string;
  readonly split: Split;
  readonly first: number;
  readonly count: number;
}

/** What tasks are drawn from, in whatever form the images are kept. */
export interface ClassedDomain {
  readonly name: string;
  readonly classes: readonly ImageClass[];
}

/**
 * A set of labelled images of one kind, decoded. Plain data: a structured clone to a worker thread shares
 * the pixels instead of copying them.
 */
export interface ImageDomain {
  readonly name: string;
  /** Side of every image, pixels. */
  readonly size: number;
  /** uint8 [images, 3, size, size], planar RGB, on a SharedArrayBuffer. */
  readonly pixels: Uint8Array;
  readonly classes: readonly ImageClass[];
  /** Names source, size and decoder; equal fingerprints mean equal pixels and classes. */
  readonly fingerprint: string;
}
