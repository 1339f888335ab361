import { decodePicture, squeezePicture } from '../../images/decode.ts';
import type { ImageLimits } from '../../images/decode.ts';
import { wholeAndCrops } from '../../model/task/views.ts';

/**
 * An encoded image as a support set needs it (`wholeAndCrops`): planar RGB, uint8 [1 + crops, 3, size, size].
 * @throws ImageError as `decodePicture` does
 */
export async function decodeViews(
  bytes: Uint8Array,
  size: number,
  crops: number,
  limits: ImageLimits,
): Promise<Uint8Array> {
  const picture = await decodePicture(bytes, limits);
  return wholeAndCrops(picture, crops, (view) => squeezePicture(picture, size, view));
}
