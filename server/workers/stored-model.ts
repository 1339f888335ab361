import { decodeModel, encodeModel } from '../../model/graph/onnx/encode.ts';
import type { OnnxModel } from '../../model/graph/onnx/encode.ts';
import { withInt8Weights } from '../../model/quantization/int8.ts';
import { withFloat32Weights } from '../../model/trunk/float32.ts';
import type { StoredModel, StoredModelRequest } from '../ports.ts';
import { sha256 } from '../storage/sha256.ts';

/**
 * A model's file with its weights stored otherwise. With float32: the same values and no Cast, the same file where it has no
 * float16. With int8: its twin, null where the file tells no ranges. It takes a fifth of a second, hence a worker.
 */
export function storedModel({ model, weights }: StoredModelRequest): StoredModel | null {
  const stored = decodeModel(model);
  if (weights === 'int8') return written(withInt8Weights(stored));
  const wide = withFloat32Weights(stored);
  const hasFloat16 = wide.nodes.length < stored.nodes.length;
  return hasFloat16 ? written(wide) : { model: new Uint8Array(model), sha256: sha256(model) };
}

function written(model: OnnxModel | undefined): StoredModel | null {
  if (!model) return null;
  const bytes = encodeModel(model);
  return { model: bytes, sha256: sha256(bytes) };
}
