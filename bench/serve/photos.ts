import sharp from 'sharp';
import { fold, keyFrom, uniform } from '../../model/random.ts';

/** The size of a phone's photo after its usual 3 megapixels, 4:3. */
export const phone = { width: 2048, height: 1536 };

export interface PhotoSize {
  readonly width: number;
  readonly height: number;
}

/**
 * A JPEG that takes as long to decode as a photo: smooth shapes of the class's own, and grain. Every (label, index) is
 * another image; equal ones are equal bytes.
 */
export async function photo(label: number, index: number, { width, height }: PhotoSize): Promise<Buffer> {
  const key = keyFrom(7);
  const [own, other] = [uniform(fold(key, label), 192), uniform(fold(key, label, index), 192)];
  const pixels = Uint8Array.from(own, (value, i) => 255 * (0.7 * value + 0.3 * other[i]!));
  const shapes = sharp(pixels, { raw: { width: 8, height: 8, channels: 3 } }).resize(width, height, {
    fit: 'fill',
    kernel: 'cubic',
  });
  // a tile of grain, repeated
  const side = Math.min(256, width, height);
  const grain = Buffer.from(uniform(fold(key, label, index, 1), side * side).map((value) => 96 + 64 * value));
  const tile = await sharp(grain, { raw: { width: side, height: side, channels: 1 } })
    .png()
    .toBuffer();
  return shapes
    .composite([{ input: tile, tile: true, blend: 'overlay' }])
    .jpeg({ quality: 85 })
    .toBuffer();
}

/** A body as it goes over the wire, made before anything is timed. */
export interface Body {
  readonly type: string;
  readonly bytes: Buffer;
}

/** multipart/form-data of [field, file] pairs. */
export async function formOf(files: readonly (readonly [string, Buffer])[]): Promise<Body> {
  const form = new FormData();
  files.forEach(([field, file], index) =>
    form.append(field, new Blob([Uint8Array.from(file)]), `${index}.jpg`),
  );
  const encoded = new Response(form);
  return { type: encoded.headers.get('content-type')!, bytes: Buffer.from(await encoded.arrayBuffer()) };
}
