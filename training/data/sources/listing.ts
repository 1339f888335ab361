import type { Picture } from '../../../images/pixels/resize.ts';
import type { Split } from '../domain.ts';

/** One image that a source can produce. */
export interface ListedImage {
  /** For error messages: where it comes from. */
  readonly label: string;
  /** Planar RGB, uint8 [3, size, size]. */
  readonly read: (size: number) => Promise<Uint8Array>;
  /** The image in its own size; a drawing, which has none, at twice the side that it is to be resized to. */
  readonly original: (side: number) => Promise<Picture>;
}

export interface ListedClass {
  readonly name: string;
  readonly split: Split;
  readonly images: readonly ListedImage[];
}

/** How a kind of source is read. */
export interface SourceReader<S> {
  /** Changes whenever the images may have changed; cheap (no image is decoded). */
  readonly stamp: (source: S) => Promise<string>;
  readonly list: (source: S) => Promise<readonly ListedClass[]>;
}
