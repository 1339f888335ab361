import sharp from 'sharp';
import { pictureOf, squeezePicture } from '../../../images/decode.ts';
import type { Picture } from '../../../images/pixels/resize.ts';
import { fold, keyFrom, uniform } from '../../../model/random.ts';

/** Raised whenever drawings change: part of the stamp of the drawn sources. */
export const drawingVersion = 1;

/** Samples drawn of a class: enough for 5 shots and 15 queries. */
export const samplesOfClass = 20;

/** A drawing in the user units of its view box; `body` is SVG that paints in `currentColor`. */
export interface Drawing {
  readonly body: string;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Paints a drawing, dark on light, with small variation of colour, scale, place and rotation that is a pure
 * function of `path` (class and sample).
 * @param size side of the picture, pixels
 */
export function paintPicture(
  drawing: Drawing,
  path: readonly (string | number)[],
  size: number,
): Promise<Picture> {
  const draws = uniform(fold(keyFrom(0), 'drawing', ...path), 10);
  const between = (index: number, low: number, high: number): number => low + (high - low) * draws[index]!;
  const colour = (index: number, low: number, high: number): string =>
    `rgb(${[0, 1, 2].map((channel) => Math.round(between(index + channel, low, high))).join()})`;
  const { left, top, width, height } = drawing;
  const side = Math.max(width, height);
  const place = [between(6, 0.46, 0.54) * size, between(7, 0.46, 0.54) * size];
  const turn = between(8, -10, 10); // degrees
  const scale = (between(9, 0.75, 1) * size) / side;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${size}" height="${size}" color="${colour(0, 0, 90)}">
<rect width="100%" height="100%" fill="${colour(3, 195, 255)}"/>
<g transform="translate(${place.join()}) rotate(${turn}) scale(${scale}) translate(${-left - width / 2},${-top - height / 2})">
${drawing.body}</g></svg>`;
  return pictureOf(sharp(Buffer.from(svg)));
}

/** The pixels of `paintPicture`, as sources give them: uint8 [3, size, size]. */
export const paint = async (
  drawing: Drawing,
  path: readonly (string | number)[],
  size: number,
): Promise<Uint8Array> => squeezePicture(await paintPicture(drawing, path, size), size);
