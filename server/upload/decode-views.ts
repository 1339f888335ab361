import { decodePicture, squeezePicture, type ImageLimits } from '../../images/decode.ts';
import { contentHash, servedViews } from '../../model/task/views.ts';

/**
 * An encoded image as a support set needs it: planar RGB, uint8 [1 + crops, 3, size, size], the whole image squeezed to
 * the square and so many crops, at places that its content decides.
 * @throws ImageError as `decodePicture` does
 */
export async function decodeViews(
  bytes: Uint8Array,
  size: number,
  crops: number,
  limits: ImageLimits,
): Promise<Uint8Array> {
  const picture = await decodePicture(bytes, limits);
  const whole = await squeezePicture(picture, size);
  if (crops === 0) return whole;
  const views = new Uint8Array((1 + crops) * whole.length);
  views.set(whole);
  const [, ...cropped] = servedViews(contentHash(whole, picture), picture, { mirror: false, crops });
  for (const [i, view] of cropped.entries())
    views.set(await squeezePicture(picture, size, view), (i + 1) * whole.length);
  return views;
}
