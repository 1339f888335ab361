import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { encodeModel } from '../graph/onnx/encode.ts';
import type { OnnxModel } from '../graph/onnx/encode.ts';
import { toOnnxModel } from '../graph/onnx/lowering.ts';
import { tapsRead } from '../search-space/taps.ts';
import { answerCostOf } from '../trunk/cost.ts';
import type { AnswerCost } from '../trunk/cost.ts';
import { cutTrunk } from '../trunk/cut.ts';
import { withFloat16Kernels } from '../trunk/half-weights.ts';
import { spliceTrunk } from '../trunk/splice.ts';
import type { TrunkDescription } from '../trunk/trunk.ts';
import type { AdaptedChild } from './child-cells.ts';
import { childDocumentation, childMetadata, multiplyAdds, weightCount } from './export-child.ts';
import { planesRead, trunkChildFunction } from './trunk-child.ts';

/** A trunk as its card tells it, and its graph. */
export interface TrunkGraph {
  readonly card: Pick<TrunkDescription, 'name' | 'side' | 'licence' | 'taps'>;
  readonly model: OnnxModel;
}

/** A file and what an answer by it costs, the trunk as far as it is read among it. */
export interface ExportedOnTrunk extends AnswerCost {
  readonly model: Uint8Array<ArrayBuffer>;
}

/** The client's file of a child on a trunk: the bytes of `trunkChildModel`. */
export function exportTrunkChild(...of: Parameters<typeof trunkChildModel>): ExportedOnTrunk {
  const { model, ...cost } = trunkChildModel(...of);
  return { model: encodeModel(model), ...cost };
}

/**
 * A child on a trunk, from pixels to probabilities: the trunk, cut to the deepest tap that is read, and the child behind
 * it. A mirrored child has the trunk twice, with the same weights. Kernels are stored as float16.
 */
export function trunkChildModel(
  checkpoint: Pick<Checkpoint, 'id' | 'configuration'>,
  { card, model }: TrunkGraph,
  child: AdaptedChild,
  labels: readonly string[],
): AnswerCost & { readonly model: OnnxModel } {
  const { configuration } = checkpoint;
  const taps = tapsRead(configuration, child.genotype.taps!).map(({ name }) => name);
  const sides = Object.fromEntries(taps.map((name) => [name, card.taps[name]!.side]));
  const built = trunkChildFunction(configuration, child, labels.length, sides);
  const metadata = {
    ...childMetadata(checkpoint, child, labels, card.side),
    trunk: card.name,
    trunk_licence: card.licence,
  };
  const behind = toOnnxModel(built, {
    dynamicBatch: 'n',
    portable: true,
    metadata,
    documentation: childDocumentation,
  });
  const [own, mirrored] = planesRead(configuration, child);
  const spliced = spliceTrunk(model, withFloat16Kernels(behind), own!.reads, mirrored?.reads);
  const front = answerCostOf(cutTrunk(model, taps));
  return {
    model: spliced,
    weights: front.weights + weightCount(child),
    multiplyAdds: (mirrored ? 2 : 1) * front.multiplyAdds + multiplyAdds(built),
  };
}
