import { setImmediate } from 'node:timers/promises';
import sharp, { type Sharp } from 'sharp';
import { imageFormat, refusalOf } from './format.ts';
import type { ImageFormat } from './format.ts';
import { longestSide, squeezeInSteps } from './pixels/resize.ts';
import type { Picture, View } from './pixels/resize.ts';

/** Raised whenever the way of decoding changes its result: caches of decoded pixels depend on it. */
export const decoderVersion = 2;

export type ImageErrorCode = 'unsupported_format' | 'broken_image' | 'image_too_large';

/** An image that cannot be used; the message can be shown to whoever sent it. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
  readonly code: ImageErrorCode;

  constructor(code: ImageErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

export interface ImageLimits {
  /** Width times height of the encoded image, before any memory is taken for it. Default 50 million. */
  readonly maxPixels?: number;
}

const defaultMaxPixels = 50_000_000;

/**
 * The one preprocessing of training and service: decoded whole (`decodePicture`), transparency put on white, the whole
 * image squeezed to a square as Pillow does it (`pixels/resize.ts`).
 *
 * @param bytes an encoded JPEG, PNG, WebP, AVIF, GIF or TIFF file, told by its magic bytes
 * @param size side of the square, pixels
 * @returns planar RGB, uint8 [3, size, size]
 * @throws ImageError unsupported_format, broken_image (truncated too) or image_too_large
 */
export async function decodeImage(
  bytes: Uint8Array,
  size: number,
  limits: ImageLimits = {},
): Promise<Uint8Array> {
  return squeezePicture(await decodePicture(bytes, limits), size);
}

/**
 * The pixels of an image file: EXIF-oriented, converted to sRGB (grey, CMYK, 16-bit and embedded profiles included), 8
 * bits a channel, at full size; of an animation the first frame.
 *
 * @param bytes as `decodeImage` takes them
 * @throws ImageError as `decodeImage` does
 */
export async function decodePicture(bytes: Uint8Array, limits: ImageLimits = {}): Promise<Picture> {
  const format = imageFormat(bytes);
  if (format === undefined) {
    throw new ImageError('unsupported_format', refusalOf(bytes));
  }
  const maxPixels = limits.maxPixels ?? defaultMaxPixels;
  const picture = await readable(format, maxPixels, () =>
    pictureOf(sharp(bytes, { failOn: 'error', limitInputPixels: maxPixels })),
  );
  if (Math.max(picture.width, picture.height) > longestSide)
    throw new ImageError(
      'image_too_large',
      `the ${format} image has a side of more than ${longestSide} pixels`,
    );
  return picture;
}

/** What `read` returns. Its errors become those of the image. */
async function readable<T>(format: ImageFormat, maxPixels: number, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    // sharp has no error codes; this message is held by a test
    if (error instanceof Error && error.message.includes('exceeds pixel limit')) {
      throw new ImageError('image_too_large', `the ${format} image has more than ${maxPixels} pixels`, error);
    }
    throw new ImageError('broken_image', `the ${format} image is truncated or broken`, error);
  }
}

/** The pixels of `decodePicture` after reading; also for drawings made elsewhere. */
export async function pictureOf(image: Sharp): Promise<Picture> {
  // nothing is resized here, so JPEG is decoded at full size, like the same pixels in any other format
  const { data, info } = await image
    .autoOrient()
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3 && info.channels !== 4)
    throw new Error(`expected 3 or 4 channels after conversion to sRGB, not ${info.channels}`);
  return { data, width: info.width, height: info.height };
}

/** `squeeze` of `pixels/resize.ts`, which lets other work of the thread go on every few milliseconds. */
export async function squeezePicture(picture: Picture, size: number, view?: View): Promise<Uint8Array> {
  const steps = squeezeInSteps(picture, size, view);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await setImmediate();
  }
}
