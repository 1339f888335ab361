import { fold, keyFrom, uniform } from '../random.ts';

/** How many views of an image are taken. The whole image, squeezed to a square, is always one. */
export interface ViewPlan {
  /** The whole image mirrored left to right is a view too. */
  readonly mirror: boolean;
  readonly crops: number;
}

/** A part of an image: left, top, right and bottom, in pixels of the image; fractions are allowed. */
export type Box = readonly [left: number, top: number, right: number, bottom: number];

/** A view of an image: a part of it, squeezed to a square, and then mirrored left to right or not. */
export interface View {
  readonly box: Box;
  readonly mirrored: boolean;
}

/** Size of an image, pixels. */
interface Size {
  readonly width: number;
  readonly height: number;
}

/** The whole, its mirror image where it is taken, and the crops. */
export const viewCount = ({ mirror, crops }: ViewPlan): number => 1 + Number(mirror) + crops;

const whole = ({ width, height }: Size): Box => [0, 0, width, height];

/**
 * The views of an image in their order: the whole, then (where it is taken) its mirror image, then the crops.
 * @param crop the view of a crop by its number, from 0 on
 */
export function viewsOf(size: Size, { mirror, crops }: ViewPlan, crop: (number: number) => View): View[] {
  return [
    { box: whole(size), mirrored: false },
    ...(mirror ? [{ box: whole(size), mirrored: true }] : []),
    ...Array.from({ length: crops }, (_, number) => crop(number)),
  ];
}

/** Least area of a served crop, as a part of the image's. */
const leastServedArea = 0.6;

/**
 * The views that an image has where tasks are served: crops have 60 to 100 % of its area and its own shape, at places
 * drawn from `hash`, so that they depend on the image alone.
 * @param hash of the image's content, see `contentHash`
 */
export const servedViews = (hash: number, size: Size, plan: ViewPlan): View[] =>
  viewsOf(size, plan, (number) => {
    const draws = uniform(fold(keyFrom(hash), 'served crop', number), 3);
    const side = Math.sqrt(leastServedArea + (1 - leastServedArea) * draws[0]!);
    return { box: placed(size, side, side, draws[1]!, draws[2]!), mirrored: false };
  });

/**
 * The box of `across` × `down` of an image's width and height.
 * @param x where its free room is left of it, 0 (none) to 1 (all); `y` above it
 */
export function placed({ width, height }: Size, across: number, down: number, x: number, y: number): Box {
  const left = width * (1 - across) * x;
  const top = height * (1 - down) * y;
  return [left, top, Math.min(width, left + width * across), Math.min(height, top + height * down)];
}

/**
 * An image as a support set needs it: the whole, then so many crops, at places that its content decides.
 * @param squeezed a view of the image at the side that the network sees: planar RGB, uint8 [3, side, side]
 * @returns uint8 [1 + crops, 3, side, side]
 * @throws what `squeezed` throws
 */
export async function wholeAndCrops(
  size: Size,
  crops: number,
  squeezed: (view: View) => Uint8Array | Promise<Uint8Array>,
): Promise<Uint8Array> {
  const pixels = await squeezed({ box: whole(size), mirrored: false });
  if (crops === 0) return pixels;
  const all = new Uint8Array((1 + crops) * pixels.length);
  all.set(pixels);
  const [, ...cropped] = servedViews(contentHash(pixels, size), size, { mirror: false, crops });
  for (const [i, view] of cropped.entries()) all.set(await squeezed(view), (i + 1) * pixels.length);
  return all;
}

const offsetBasis = 0x811c9dc5;
const prime = 0x01000193;

/**
 * 32 bits that tell an image's content: FNV-1a (Fowler, Noll and Vo) over the bytes of the whole image squeezed to the
 * side that the network sees, then over its own width and height. So its cost does not grow with a photo's size.
 * @param squeezed the whole image at that side: planar RGB, uint8 [3, side, side]
 */
export function contentHash(squeezed: Uint8Array, { width, height }: Size): number {
  let hash = offsetBasis;
  for (let at = 0; at < squeezed.length; at++) hash = Math.imul(hash ^ squeezed[at]!, prime);
  for (const length of [width, height])
    for (let shift = 0; shift < 32; shift += 8) hash = Math.imul(hash ^ ((length >>> shift) & 255), prime);
  return hash >>> 0;
}
