import type { ModelRunner } from '../../model/graph/executor.ts';
import { toFloat } from '../../model/task/pixels.ts';
import { imagesBatch } from '../ports.ts';
import type { PredictedImages, PredictImagesRequest } from '../ports.ts';
import { runModel } from './run-model.ts';

/** Runs the exported model on the images. */
export async function predictImages(
  models: ModelRunner,
  request: PredictImagesRequest,
): Promise<PredictedImages> {
  const { images } = request;
  const input = imagesInput(request);
  const { probabilities, known } = await runModel(models, request, input, imagesBatch);
  if (!probabilities) throw new Error('the exported model has no output named probabilities');
  const ways = probabilities.data.length / images.length;
  return {
    probabilities: images.map((_, i) => probabilities.data.slice(i * ways, (i + 1) * ways)),
    ...(known ? { known: known.data } : {}),
  };
}

/** Images as the input of an exported model, for `runModel`. */
export function imagesInput({ images, imageSize }: Pick<PredictImagesRequest, 'images' | 'imageSize'>) {
  const shape = [3, imageSize, imageSize];
  const length = 3 * imageSize * imageSize;
  const rows = (start: number, count: number): Float32Array => {
    const data = new Float32Array(count * length); // [n, 3, s, s]
    images.slice(start, start + count).forEach((pixels, i) => data.set(toFloat(pixels), i * length));
    return data;
  };
  return { name: 'image', shape, count: images.length, rows };
}

/** Predictions of several parts of the images, as those of all. */
export function joinedPredictions(parts: readonly PredictedImages[]): PredictedImages {
  const known = parts.flatMap((part) => (part.known ? [part.known] : []));
  return {
    probabilities: parts.flatMap(({ probabilities }) => probabilities),
    ...(known.length > 0 ? { known: Float32Array.from(known.flatMap((part) => [...part])) } : {}),
  };
}
