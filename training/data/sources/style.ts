import sharp from 'sharp';
import type { Picture } from '../../../images/pixels/resize.ts';

/** How the pictures of photos are drawn anew: kinds of images that nothing but the trunk has seen. */
export const styleNames = ['sketch', 'poster'] as const;
export type Style = (typeof styleNames)[number];

/** Luminance of full contrast is drawn as ink where it changes by so much from one pixel to the next. */
const fullInk = 60;
/** Brightnesses of a channel that a poster has. */
const levels = 4;
/** Of the median that leaves areas of one colour, pixels. */
const brush = 3;

/** The picture in another style: dark lines on white, or few colours with dark lines. */
export async function styled(picture: Picture, style: Style): Promise<Picture> {
  const { width, height } = picture;
  const rgb = await interleaved(picture);
  const ink = inkOf(rgb, width, height);
  const data = new Uint8Array(3 * width * height);
  if (style === 'sketch') {
    ink.forEach((value, at) => data.fill(255 - value, 3 * at, 3 * at + 3));
    return { data, width, height };
  }
  const raw = { raw: { width, height, channels: 3 as const } };
  const flat = await sharp(rgb, raw).median(brush).raw().toBuffer();
  const step = 255 / (levels - 1);
  flat.forEach((value, at) => {
    const colour = step * Math.round(value / step);
    data[at] = Math.round(colour * (1 - ink[Math.floor(at / 3)]! / 255));
  });
  return { data, width, height };
}

/** RGB bytes on white. */
async function interleaved({ data, width, height }: Picture): Promise<Uint8Array> {
  const channels = data.length / (width * height);
  const image = sharp(data, { raw: { width, height, channels: channels as 3 | 4 } });
  return image.flatten({ background: '#fff' }).raw().toBuffer();
}

/** How dark a line is at every pixel, 0 to 255: the gradient of the luminance (Sobel). */
function inkOf(rgb: Uint8Array, width: number, height: number): Uint8Array {
  const light = (x: number, y: number): number => {
    const at = 3 * (Math.min(Math.max(y, 0), height - 1) * width + Math.min(Math.max(x, 0), width - 1));
    return 0.299 * rgb[at]! + 0.587 * rgb[at + 1]! + 0.114 * rgb[at + 2]!;
  };
  const ink = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const column = (dx: number): number =>
        light(x + dx, y - 1) + 2 * light(x + dx, y) + light(x + dx, y + 1);
      const row = (dy: number): number => light(x - 1, y + dy) + 2 * light(x, y + dy) + light(x + 1, y + dy);
      const change = Math.hypot(column(1) - column(-1), row(1) - row(-1)) / 8;
      ink[y * width + x] = Math.min(255, Math.round((255 * change) / fullInk));
    }
  return ink;
}
