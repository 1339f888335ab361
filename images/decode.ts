import { setImmediate } from 'node:timers/promises';
import sharp from 'sharp';
import type { Sharp, SharpOptions } from 'sharp';
import { asStill, checkAvif } from './avif.ts';
import { withProfileOf16 } from './deep.ts';
import { imageFormat, refusalOf } from './format.ts';
import type { ImageFormat } from './format.ts';
import { whiteAround } from './gif.ts';
import { ImageError } from './image-error.ts';
import { withEndMarker } from './jpeg.ts';
import { longestSide, squeezeInSteps } from './pixels/resize.ts';
import type { Picture, View } from './pixels/resize.ts';
import { asSrgb, pngColours } from './png.ts';
import { tiffLayout } from './tiff/layout.ts';
import { checkTiff, hasStranger, isFloat, readFloats } from './tiff/read.ts';

/** Raised whenever the way of decoding changes its result: caches of decoded pixels depend on it. */
export const decoderVersion = 4;

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
 * The pixels of an image file as a browser shows them: EXIF-oriented, converted to sRGB (grey, CMYK, 16 bits, embedded
 * profiles and gammas included), 8 bits a channel, at full size; of an animation the first frame, on a white canvas.
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
  const picture = await readable(format, maxPixels, (options) => readers[format](bytes, options));
  if (Math.max(picture.width, picture.height) > longestSide)
    throw new ImageError(
      'image_too_large',
      `the ${format} image has a side of more than ${longestSide} pixels`,
    );
  return picture;
}

type Reader = (bytes: Uint8Array, options: SharpOptions & { limitInputPixels: number }) => Promise<Picture>;

const readers: Readonly<Record<ImageFormat, Reader>> = {
  JPEG: async (bytes, options) => {
    try {
      return await pictureOf(sharp(bytes, options));
    } catch (error) {
      const whole = withEndMarker(bytes);
      if (whole === undefined) throw error;
      // the decoder makes up what is missing before the marker, and warns
      return pictureOf(sharp(whole, { ...options, failOn: 'warning' }));
    }
  },
  PNG: async (bytes, options) => {
    const { depth, gamma } = pngColours(bytes);
    const image = sharp(bytes, options);
    if (gamma === undefined) return pictureOf(await withProfileOf16(image, options));
    if (depth < 16) {
      const picture = await pictureOf(image);
      return asSrgb(picture.data, picture, gamma);
    }
    const raw = image.toColourspace('rgb16').raw({ depth: 'ushort' });
    const { data, info } = await raw.toBuffer({ resolveWithObject: true });
    return asSrgb(new Uint16Array(data.buffer, data.byteOffset, data.length / 2), info, gamma);
  },
  WebP: (bytes, options) => pictureOf(sharp(bytes, options)),
  AVIF: (bytes, options) => {
    checkAvif(bytes);
    return pictureOf(sharp(asStill(bytes), options));
  },
  GIF: async (bytes, options) => whiteAround(await pictureOf(sharp(bytes, options)), bytes),
  TIFF: async (bytes, options) => {
    const layout = tiffLayout(bytes);
    if (layout === undefined) return pictureOf(sharp(bytes, options));
    checkTiff(layout);
    const file = sharp(bytes, options);
    if (isFloat(layout)) {
      const { width, height } = await file.metadata();
      const allowed = Math.floor(options.limitInputPixels / floatBytes);
      if (width * height > allowed)
        throw new ImageError(
          'image_too_large',
          `the TIFF image of floating-point numbers has more than ${allowed} pixels`,
        );
      return readFloats(file, layout);
    }
    const image = await withProfileOf16(file, options);
    return pictureOf(hasStranger(layout) ? image.removeAlpha() : image);
  },
};

/** Of a sample: pictures of such samples may have fewer pixels by as much. */
const floatBytes = 4;

/** What the decoder says of well-formed files that it does not read; it has no error codes, so a test holds these. */
const unsupported =
  /Unsupported (?:JPEG|color|feature|marker type 0xf7)|arithmetic|Compression scheme \d+|not (?:configured|implemented|supported)|out of range|required field 262 missing/i;

/** What `read` returns. Its errors become those of the image. */
async function readable<T>(
  format: ImageFormat,
  maxPixels: number,
  read: (options: { failOn: 'error'; limitInputPixels: number }) => Promise<T>,
): Promise<T> {
  try {
    return await read({ failOn: 'error', limitInputPixels: maxPixels });
  } catch (error) {
    if (error instanceof ImageError) throw error;
    const message = error instanceof Error ? error.message : '';
    if (message.includes('exceeds pixel limit')) {
      throw new ImageError('image_too_large', `the ${format} image has more than ${maxPixels} pixels`, error);
    }
    if (unsupported.test(message))
      throw new ImageError(
        'unsupported_format',
        `the ${format} image is of a kind that is not supported; export it as PNG`,
        error,
      );
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
