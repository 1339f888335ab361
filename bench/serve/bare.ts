import { InferenceSession, Tensor } from 'onnxruntime-node';
import { WorkerPool } from '../../engine/pool.ts';
import { decodeImage } from '../../images/decode.ts';
import { toFloat } from '../../model/task/pixels.ts';

/** What a thread of the bare loop does. */
export interface BareLoop {
  readonly model: Uint8Array;
  readonly images: readonly Uint8Array[];
  readonly size: number;
  /** at the same time, so that one decodes while another infers */
  readonly loops: number;
  readonly seconds: number;
}

/** The job of the bare loop's threads. */
export interface BareJobs {
  /** predictions a second */
  bare(loop: BareLoop): number;
}

/** Predictions a second of loops in this thread that decode the images with sharp and run the model with onnxruntime-node. */
export async function runBareLoop({ model, images, size, loops, seconds }: BareLoop): Promise<number> {
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

/**
 * Predictions a second of this process without anything around them: the bare loop in so many threads, since a run blocks
 * its thread, and in all of them as many loops as the service has connections, or one more.
 */
export async function barePredictions(plan: BareLoop, workers: number): Promise<number> {
  const pool = new WorkerPool<BareJobs>({
    workers,
    queueLimit: 0,
    jobs: new URL('../jobs.ts', import.meta.url),
    engine: { provider: 'cpu', threads: 1, cacheSize: 1, memoryPattern: false },
  });
  try {
    await pool.ready();
    const rates = await pool.runOnAll('bare', { ...plan, loops: Math.ceil(plan.loops / workers) });
    return rates.reduce((sum, rate) => sum + rate, 0);
  } finally {
    await pool.close();
  }
}
