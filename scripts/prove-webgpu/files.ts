import { InferenceSession, Tensor } from 'onnxruntime-node';
import type { OnnxExecutor } from '../../engine/onnxruntime.ts';
import type { TrunkFile } from '../../engine/trunk/file.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { proofTasks, stripes } from '../proof-tasks.ts';

/** Images of each file's run. */
const count = 4;

/** Compares the logits of exported files on both providers: the largest difference of each, relative to 1 + |logit|. */
export async function* comparedFiles(
  checkpoint: Checkpoint,
  trunk: TrunkFile,
  executor: OnnxExecutor,
): AsyncGenerator<{ readonly task: string; readonly bytes: number; readonly difference: number }> {
  const { side } = trunk.card;
  const images = new Tensor('float32', stripes(count, side, 99), [count, 3, side, side]);
  for await (const { name, model } of proofTasks(checkpoint, trunk, executor)) {
    const [cpu, webgpu] = [await logits(model, 'cpu', images), await logits(model, 'webgpu', images)];
    const difference = cpu.reduce(
      (largest, x, i) => Math.max(largest, Math.abs(x - webgpu[i]!) / (1 + Math.abs(x))),
      0,
    );
    yield { task: name, bytes: model.length, difference };
  }
}

async function logits(model: Uint8Array, provider: 'cpu' | 'webgpu', images: Tensor): Promise<Float32Array> {
  const session = await InferenceSession.create(model, {
    executionProviders: [provider],
    logSeverityLevel: 3,
  });
  const results = await session.run({ image: images });
  const data = Float32Array.from((await results['logits']!.getData()) as Float32Array);
  await session.release();
  return data;
}
