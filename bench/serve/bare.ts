import { InferenceSession, Tensor } from 'onnxruntime-node';
import { decodeImage } from '../../images/decode.ts';
import { toFloat } from '../../model/pixels.ts';

/**
 * Predictions a second of a loop that decodes the images with sharp and runs the model with onnxruntime-node, in this
 * process and without anything around it: as many loops at a time as the service has connections.
 */
export async function barePredictions(
  model: Uint8Array,
  images: readonly Uint8Array[],
  size: number,
  loops: number,
  seconds: number,
): Promise<number> {
  const session = await InferenceSession.create(model, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const length = 3 * size * size;
  let done = 0;
  const started = performance.now();
  const loop = async () => {
    while (performance.now() - started < seconds * 1000) {
      const pixels = await Promise.all(images.map((image) => decodeImage(image, size)));
      const data = new Float32Array(images.length * length);
      pixels.forEach((planar, index) => data.set(toFloat(planar), index * length));
      await session.run({ image: new Tensor('float32', data, [images.length, 3, size, size]) });
      done++;
    }
  };
  await Promise.all(Array.from({ length: loops }, loop));
  const elapsed = (performance.now() - started) / 1000;
  await session.release();
  return done / elapsed;
}
