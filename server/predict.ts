import type { ModelRunner } from '../engine/jobs.ts';
import { toFloat } from '../images/decode.ts';
import type { PredictImagesRequest } from './ports.ts';

/** Images in one run: bounds the memory of a run; more bring no speed. */
const BATCH = 25;

/** Runs the exported model on the images; returns the probabilities per image, in the order of the labels. */
export async function predictImages(
  models: ModelRunner,
  request: PredictImagesRequest,
): Promise<Float32Array[]> {
  const program = await models.model(`task/${request.key}`, () => request.model);
  const probabilities: Float32Array[] = [];
  for (let start = 0; start < request.images.length; start += BATCH) {
    const images = request.images.slice(start, start + BATCH);
    const length = 3 * request.imageSize * request.imageSize;
    const data = new Float32Array(images.length * length); // [n, 3, s, s]
    images.forEach((pixels, index) => data.set(toFloat(pixels), index * length));
    const shape = [images.length, 3, request.imageSize, request.imageSize];
    const outputs = await program.run({ image: { data, shape } });
    const output = outputs['probabilities']; // [n, ways]
    if (!output) throw new Error('the exported model has no output named probabilities');
    const ways = output.data.length / images.length;
    images.forEach((_, index) => probabilities.push(output.data.slice(index * ways, (index + 1) * ways)));
  }
  return probabilities;
}
