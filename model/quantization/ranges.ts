import type { TensorValues } from '../graph/executor.ts';
import { metadataSize } from '../graph/onnx/encode.ts';
import type { OnnxModel, OnnxNode } from '../graph/onnx/encode.ts';
import { withFloat32Weights } from '../trunk/float32.ts';
import { withFoldedScales } from './fold-scales.ts';
import { roundedTensors } from './rounded-tensors.ts';

/** The least and the largest value of a tensor. */
export type Range = readonly [number, number];

/** The key of the file's metadata: base64 of float32 pairs, in the order of `roundedTensors` of the folded file. */
const key = 'ranges';

/** The file's network as its twin computes it, in float32. */
export const foldedModel = (model: OnnxModel): OnnxModel => withFoldedScales(withFloat32Weights(model));

const ends = [
  ['ReduceMin', 'least'],
  ['ReduceMax', 'largest'],
] as const;

/**
 * The folded network whose outputs are the ends of the tensors that a twin rounds, [1, 1, 1, 1] each: what a support set is
 * run through.
 */
export function probeModel(model: OnnxModel): OnnxModel {
  const folded = foldedModel(model);
  const probes = roundedTensors(folded).flatMap((name) =>
    ends.map(([operator, end]): OnnxNode => {
      const attributes = { keepdims: { kind: 'int', value: 1 } } as const;
      return { operator, inputs: [name], outputs: [`${name}.${end}`], attributes };
    }),
  );
  const outputs = probes.map(({ outputs: [name] }) => ({ name: name!, shape: [1, 1, 1, 1] }));
  return { ...folded, nodes: [...folded.nodes, ...probes], outputs };
}

/**
 * The file with the ranges of the tensors that its twin rounds, in its metadata. A range begins at 0 or below, and ends
 * there or above.
 * @param values what `probeModel` gave, for the whole support set or for its parts one after the other
 */
export function withRanges(model: OnnxModel, values: TensorValues): OnnxModel {
  const endsOf = (name: string): Float32Array => values[name]!.data;
  const pairs = roundedTensors(foldedModel(model)).flatMap((name) => [
    Math.min(0, ...endsOf(`${name}.least`)),
    Math.max(0, ...endsOf(`${name}.largest`)),
  ]);
  return { ...model, metadata: { ...model.metadata, [key]: encodePairs(pairs) } };
}

/** What ranges add to the bytes of a file, whatever they are. */
export const rangesSize = (model: OnnxModel): number =>
  metadataSize(key, encodePairs(roundedTensors(foldedModel(model)).flatMap(() => [0, 0])));

/** The ranges that a file tells of the tensors `names`; undefined where it tells none, or not of so many. */
export function rangesOf(model: OnnxModel, names: readonly string[]): Map<string, Range> | undefined {
  const text = model.metadata?.[key];
  if (text === undefined) return undefined;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  if (bytes.length !== 8 * names.length) return undefined;
  const pairs = new Float32Array(bytes.buffer);
  return new Map(names.map((name, i) => [name, [pairs[2 * i]!, pairs[2 * i + 1]!]]));
}

/** A file's metadata without its ranges, which say nothing of its twin. */
export const withoutRanges = ({ metadata = {} }: OnnxModel): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata).filter(([name]) => name !== key));

const encodePairs = (pairs: readonly number[]): string =>
  btoa(String.fromCharCode(...new Uint8Array(Float32Array.from(pairs).buffer)));
