import { squeeze } from '../../images/pixels/resize.ts';
import type { Picture } from '../../images/pixels/resize.ts';
import { contentHash, servedViews } from '../../model/task/views.ts';
import type { Split } from '../data/domain.ts';
import type { PlaneDomain } from './plane-domain.ts';
import { trainingViews } from './training-views.ts';

/** The pixels of an image's views. */
export interface RenderedViews {
  /** The whole image at the side: planar RGB, uint8 [3, side, side]. */
  readonly whole: Uint8Array;
  /** float32 [views, 3, side, side], 0..1. */
  readonly images: Float32Array;
}

/** Renders all views of an image of a class of `split` of the domain, squeezed to squares of `side`. */
export function renderViews(
  original: Picture,
  side: number,
  split: Split,
  { name, views: plan }: Pick<PlaneDomain, 'name' | 'views'>,
): RenderedViews {
  const whole = squeeze(original, side);
  const hash = contentHash(whole, original);
  const views =
    split === 'train' && !plan.served
      ? trainingViews(name, hash, original, plan)
      : servedViews(hash, original, plan);
  const images = new Float32Array(views.length * whole.length);
  views.forEach((view, index) =>
    // the first view is the whole
    writeUnit(index === 0 ? whole : squeeze(original, side, view), images, index * whole.length),
  );
  return { whole, images };
}

const unit = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/** Bytes to numbers of 0..1. A plain loop: every pixel of every view comes here. */
function writeUnit(bytes: Uint8Array, into: Float32Array, offset: number): void {
  for (let at = 0; at < bytes.length; at++) into[offset + at] = unit[bytes[at]!]!;
}
