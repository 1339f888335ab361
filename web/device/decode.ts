import { imageFormat, refusalOf, startLength } from '../../images/format.ts';
import { longestSide, squeeze } from '../../images/pixels/resize.ts';
import type { Picture } from '../../images/pixels/resize.ts';

/** Rows that are taken from the canvas at a time: browsers limit a canvas's area, not an image's. */
const stripRows = 512;

/**
 * The preprocessing of the service (`images/decode.ts`) in a browser: put on white and squeezed to size × size by the
 * service's own function. Equal pixels in give equal pixels out; what can differ is what the browser's decoder gives for
 * lossy files and embedded profiles (docs/page.md has what was measured).
 * @returns planar RGB, uint8 [3, size, size]
 * @throws Error as `decodePicture` does
 */
export async function decodeImage(image: Blob | ImageBitmap, size: number): Promise<Uint8Array> {
  if (image instanceof Blob) return squeeze(await decodePicture(image), size);
  try {
    return squeeze(pictureOf(image), size);
  } finally {
    image.close();
  }
}

/**
 * The pixels of an image file at full size, EXIF-oriented and converted to sRGB by the browser.
 * @throws Error with a message for whoever chose the image
 */
export async function decodePicture(file: Blob): Promise<Picture> {
  const name = file instanceof File ? file.name : 'the image';
  // some browsers read what the service does not, such as HEIC
  const start = new Uint8Array(await file.slice(0, startLength).arrayBuffer());
  if (imageFormat(start) === undefined) throw new Error(`${name}: ${refusalOf(start)}.`);
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch (error) {
    throw new Error(`This browser cannot read ${name}.`, { cause: error });
  }
  try {
    if (Math.max(bitmap.width, bitmap.height) > longestSide)
      throw new Error(`A side of ${name} has more than ${longestSide} pixels.`);
    return pictureOf(bitmap);
  } finally {
    bitmap.close();
  }
}

/** The pixels of a bitmap, RGBA. */
function pictureOf(bitmap: ImageBitmap): Picture {
  const { width, height } = bitmap;
  const pixels = new Uint8Array(width * height * 4);
  const rows = Math.min(stripRows, height);
  const context = new OffscreenCanvas(width, rows).getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('this browser has no canvas');
  for (let top = 0; top < height; top += rows) {
    context.clearRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, -top);
    const { data } = context.getImageData(0, 0, width, Math.min(rows, height - top));
    pixels.set(data, 4 * width * top);
  }
  return { data: pixels, width, height };
}
