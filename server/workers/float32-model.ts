import { decodeModel, encodeModel } from '../../model/graph/onnx/encode.ts';
import { withFloat32Weights } from '../../model/trunk/float32.ts';
import type { Float32Model } from '../ports.ts';
import { sha256 } from '../storage/sha256.ts';

/**
 * A model's file whose float16 weights are stored as float32, with the same values and no Cast; the same file where it has
 * none. It takes a fifth of a second, hence a worker.
 */
export function float32Model(model: Uint8Array): Float32Model {
  const stored = decodeModel(model);
  const wide = withFloat32Weights(stored);
  const hasFloat16 = wide.nodes.length < stored.nodes.length;
  const bytes = hasFloat16 ? encodeModel(wide) : new Uint8Array(model);
  return { model: bytes, sha256: sha256(bytes) };
}
