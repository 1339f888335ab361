import { squeeze } from './resample.ts';

const white = '#ffffff';
/** Rows that are taken from the canvas at a time: browsers limit a canvas's area, not an image's. */
const stripRows = 512;

/**
 * The preprocessing of the service (`images/decode.ts`) in a browser: EXIF-oriented, converted to sRGB, alpha on white,
 * squeezed to size × size by the same arithmetic. Equal pixels in give equal pixels out; what can differ is what the
 * browser's decoder gives for lossy files and embedded profiles (docs/page.md has what was measured).
 * @returns planar RGB, uint8 [3, size, size]
 * @throws Error with a message for whoever chose the image
 */
export async function decodeImage(file: Blob, size: number): Promise<Uint8Array> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch (error) {
    const name = file instanceof File ? file.name : 'the image';
    throw new Error(`This browser cannot read ${name}.`, { cause: error });
  }
  try {
    const { width, height } = bitmap;
    const { data } = squeeze({ data: opaquePixels(bitmap), width, height }, size);
    return planar(data, size * size);
  } finally {
    bitmap.close();
  }
}

/** Interleaved RGB of a bitmap on white. */
function opaquePixels(bitmap: ImageBitmap): Uint8Array {
  const { width, height } = bitmap;
  const pixels = new Uint8Array(width * height * 3);
  const rows = Math.min(stripRows, height);
  const context = new OffscreenCanvas(width, rows).getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('this browser has no canvas');
  for (let top = 0, to = 0; top < height; top += rows) {
    context.fillStyle = white;
    context.fillRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, -top);
    const { data } = context.getImageData(0, 0, width, Math.min(rows, height - top));
    for (let from = 0; from < data.length; from += 4) {
      pixels[to++] = data[from]!;
      pixels[to++] = data[from + 1]!;
      pixels[to++] = data[from + 2]!;
    }
  }
  return pixels;
}

function planar(interleaved: Uint8Array | Uint8ClampedArray, area: number): Uint8Array {
  const planes = new Uint8Array(3 * area);
  for (let i = 0; i < planes.length; i++) planes[i] = interleaved[3 * (i % area) + Math.floor(i / area)]!;
  return planes;
}
