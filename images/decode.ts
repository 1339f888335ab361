import sharp, { type Sharp } from 'sharp';
import { imageFormat, refusalOf } from './format.ts';

/** Raised whenever the way of decoding changes its result: caches of decoded pixels depend on it. */
export const decoderVersion = 1;

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
 * The one preprocessing of training and service: EXIF-oriented, converted to sRGB (grey, CMYK, 16-bit and
 * embedded profiles included), alpha flattened on white, the whole image squeezed to a square by Lanczos3;
 * of an animation the first frame. An image that is size x size already is not resampled.
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
  const format = imageFormat(bytes);
  if (format === undefined) {
    throw new ImageError('unsupported_format', refusalOf(bytes));
  }
  const maxPixels = limits.maxPixels ?? defaultMaxPixels;
  try {
    return await renderSquare(sharp(bytes, { failOn: 'error', limitInputPixels: maxPixels }), size);
  } catch (error) {
    // sharp has no error codes; this message is held by a test
    if (error instanceof Error && error.message.includes('exceeds pixel limit')) {
      throw new ImageError('image_too_large', `the ${format} image has more than ${maxPixels} pixels`, error);
    }
    throw new ImageError('broken_image', `the ${format} image is truncated or broken`, error);
  }
}

/** Steps of `decodeImage` after reading; also for drawings made elsewhere. Returns uint8 [3, size, size]. */
export async function renderSquare(image: Sharp, size: number): Promise<Uint8Array> {
  const { data, info } = await image
    .autoOrient()
    .toColourspace('srgb')
    .flatten({ background: '#ffffff' })
    // without shrink-on-load the result is the plain Lanczos3 that a client can reproduce
    .resize(size, size, { fit: 'fill', kernel: 'lanczos3', fastShrinkOnLoad: false })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  if (info.channels !== 3)
    throw new Error(`expected 3 channels after conversion to sRGB, not ${info.channels}`);
  return toPlanar(data, size * size);
}

function toPlanar(interleaved: Uint8Array, area: number): Uint8Array {
  const planar = new Uint8Array(3 * area);
  for (let pixel = 0; pixel < area; pixel++) {
    planar[pixel] = interleaved[3 * pixel]!;
    planar[area + pixel] = interleaved[3 * pixel + 1]!;
    planar[2 * area + pixel] = interleaved[3 * pixel + 2]!;
  }
  return planar;
}
