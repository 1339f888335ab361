import type { ModelRunner, TensorValue } from '../../model/graph/executor.ts';
import { decodeModel, encodeModel } from '../../model/graph/onnx/encode.ts';
import { probeModel, withRanges } from '../../model/quantization/ranges.ts';
import { imagesBatch } from '../ports.ts';
import type { TellRangesRequest } from '../ports.ts';
import { sha256 } from '../storage/sha256.ts';
import { imageRows } from './predict-images.ts';

/** Runs a file's network on its support set, and writes the ranges of its tensors into the file. */
export async function tellRanges(
  models: ModelRunner,
  { model, imageSize, images }: TellRangesRequest,
): Promise<Uint8Array<ArrayBuffer>> {
  const stored = decodeModel(model);
  const program = await models.model(`ranges/${sha256(model)}`, () => encodeModel(probeModel(stored)));
  const runs: Readonly<Record<string, TensorValue>>[] = [];
  for (let start = 0; start < images.length; start += imagesBatch) {
    const part = images.slice(start, start + imagesBatch);
    const shape = [part.length, 3, imageSize, imageSize];
    runs.push(await program.run({ image: { data: imageRows(part), shape } }));
  }
  return encodeModel(withRanges(stored, runs));
}
