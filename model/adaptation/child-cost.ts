import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { encodeModel, metadataSize } from '../graph/onnx/encode.ts';
import type { OnnxModel } from '../graph/onnx/encode.ts';
import { rangesSize } from '../quantization/ranges.ts';
import type { Genotype } from '../search-space/genotype.ts';
import type { AnswerCost, ModelCost } from '../trunk/cost.ts';
import type { AdaptedChild } from './child-cells.ts';
import { childFunction, childModel, multiplyAdds, weightCount } from './export-child.ts';
import { trunkChildModel } from './export-trunk-child.ts';
import type { TrunkGraph } from './export-trunk-child.ts';
import { noiseChild } from './noise-child.ts';

/** What the children of a genotype cost that tell so many classes apart; bytes are those of the file but for its labels. */
export interface GenotypeCost {
  readonly genotype: Genotype;
  readonly plain: ModelCost;
  /** answering by an image and its mirror image together; null where the checkpoint does not */
  readonly mirrored: ModelCost | null;
}

type CostedCheckpoint = Pick<Checkpoint, 'id' | 'configuration'>;

/**
 * What the children of a genotype cost for `way` classes: exactly, since it depends on the form of a child alone. Nothing
 * is adapted: a file of made-up numbers is written and counted.
 * @param trunk what the checkpoint stands on; undefined where it reads pixels
 */
export function genotypeCost(
  checkpoint: CostedCheckpoint,
  trunk: TrunkGraph | undefined,
  genotype: Genotype,
  way: number,
): GenotypeCost {
  const { configuration } = checkpoint;
  const labels = Array.from({ length: way }, () => '');
  const costOf = (mirrored: boolean): ModelCost => {
    const child = noiseChild(configuration, genotype, { way, mirrored });
    const { model, ...cost } = modelOf(checkpoint, trunk, child, labels);
    const ranges = configuration.int8 ? rangesSize(model) : 0;
    return { ...cost, bytes: encodeModel(model).length - labelBytes(labels) + ranges };
  };
  return { genotype, plain: costOf(false), mirrored: configuration.mirroring ? costOf(true) : null };
}

function modelOf(
  checkpoint: CostedCheckpoint,
  trunk: TrunkGraph | undefined,
  child: AdaptedChild,
  labels: readonly string[],
): AnswerCost & { readonly model: OnnxModel } {
  if (trunk) return trunkChildModel(checkpoint, trunk, child, labels);
  const built = childFunction(checkpoint, child, labels.length);
  const model = childModel(checkpoint, child, labels, built);
  return { model, weights: weightCount(child), multiplyAdds: multiplyAdds(built) };
}

/** The bytes that labels take in a file. */
export const labelBytes = (labels: readonly string[]): number =>
  metadataSize('names', JSON.stringify(labels));
