import type { ModelRunner } from '../../model/graph/executor.ts';
import { decodeModel, encodeModel } from '../../model/graph/onnx/encode.ts';
import { probeModel, withRanges } from '../../model/quantization/ranges.ts';
import { imagesBatch } from '../ports.ts';
import type { TellRangesRequest } from '../ports.ts';
import { sha256 } from '../storage/sha256.ts';
import { imagesInput } from './predict-images.ts';
import { runModel } from './run-model.ts';

/** Runs a file's network on its support set, and writes the ranges of its tensors into the file. */
export async function tellRanges(
  models: ModelRunner,
  request: TellRangesRequest,
): Promise<Uint8Array<ArrayBuffer>> {
  const { model, multiplyAdds } = request;
  const stored = decodeModel(model);
  const probe = { key: `ranges of ${sha256(model)}`, model: encodeModel(probeModel(stored)), multiplyAdds };
  const ends = await runModel(models, probe, imagesInput(request), imagesBatch);
  return encodeModel(withRanges(stored, ends));
}
