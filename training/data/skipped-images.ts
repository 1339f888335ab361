import { ImageError } from '../../images/image-error.ts';
import { someOf } from '../run/some-of.ts';
import type { ImageClass } from './domain.ts';

/** How images that cannot be decoded are met. */
export interface SkipOptions {
  /** They are left out, and this hears of it, a text of several lines a domain. Absent: the first one is an error. */
  readonly warn?: ((text: string) => void) | undefined;
}

/** Whether an error of `named` says that an image cannot be decoded; others are no reason to leave it out. */
export const isUndecodable = (error: unknown): error is Error =>
  error instanceof Error && error.cause instanceof ImageError;

/** Most images that a warning names. */
const mostNamed = 5;

/**
 * Warns of images that are left out, or refuses to.
 * @param messages one for each image: where it lies and what is wrong with it
 * @throws Error of one line where nobody hears of it
 */
export function tellSkipped(domain: string, messages: readonly string[], { warn }: SkipOptions): void {
  const [first] = messages;
  if (first === undefined) return;
  if (!warn) throw new Error(first);
  const named = someOf(messages, mostNamed).map((message) => `  ${message}`);
  const count = messages.length === 1 ? 'an image is' : `${messages.length} images are`;
  warn([`${domain}: ${count} left out, which --strict makes an error:`, ...named].join('\n'));
}

/**
 * The classes without some images, which are numbers of images of the domain.
 * @returns the classes, their images one after another, and the numbers that these had before
 * @throws Error when no image stays
 */
export function withoutImages(
  domain: string,
  classes: readonly ImageClass[],
  skipped: ReadonlyMap<number, string>,
): { readonly classes: ImageClass[]; readonly kept: number[] } {
  const kept: number[] = [];
  const left = classes.map((own): ImageClass => {
    const first = kept.length;
    for (let image = own.first; image < own.first + own.count; image++)
      if (!skipped.has(image)) kept.push(image);
    return { ...own, first, count: kept.length - first };
  });
  if (kept.length > 0) return { classes: left, kept };
  throw new Error(`domain ${domain} has no image that can be decoded; ${[...skipped.values()][0] ?? ''}`);
}
