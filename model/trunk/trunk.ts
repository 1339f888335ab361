import type { OnnxModel, OnnxValueInfo } from '../graph/onnx/encode.ts';

/** A named plane of a trunk, or its last features, and what it costs to compute one image up to there. */
export interface TrunkTap {
  readonly channels: number;
  /** of the plane, px; 1 where the tap is a vector [n, channels] */
  readonly side: number;
  /** weights and multiply-adds of an image, of all that is computed up to the tap */
  readonly weights: number;
  readonly multiplyAdds: number;
}

/** What is told of a trunk's file: which it is, how pixels enter, where it comes from, what it gives. */
export interface TrunkCard {
  readonly name: string;
  /** the ONNX file's name, in the card's folder */
  readonly file: string;
  /** of the ONNX file, hexadecimal */
  readonly sha256: string;
  /** of the square images that enter, px */
  readonly side: number;
  /** order, range and layout of the pixels, in words */
  readonly pixels: string;
  readonly source: string;
  readonly licence: string;
  readonly taps: Readonly<Record<string, TrunkTap>>;
}

/** A trunk that is missing, another one, or not of the form that is needed. */
export class TrunkError extends Error {
  override readonly name = 'TrunkError';
}

/** The input of every trunk: [n, 3, side, side], float. */
export const trunkInput = 'image';

/** The name of the first axis of inputs and taps, so that a child behind the trunk has the same. */
const batchAxis = 'n';

/** The shape of a tap for one image: a plane [channels, side, side], or a vector [channels]. */
export const tapShape = ({ channels, side }: Pick<TrunkTap, 'channels' | 'side'>): readonly number[] =>
  side === 1 ? [channels] : [channels, side, side];

/**
 * Checks that the graph reads images of the card's side and gives the card's taps.
 * @throws TrunkError that names the first input or tap that differs
 */
export function checkTrunk(model: OnnxModel, card: Pick<TrunkCard, 'side' | 'taps'>): void {
  const { inputs, outputs } = model;
  if (inputs.length !== 1) throw new TrunkError(`${inputs.length} inputs in place of one`);
  checkValue(trunkInput, inputs, [3, card.side, card.side]);
  for (const [name, tap] of Object.entries(card.taps)) checkValue(name, outputs, tapShape(tap));
}

function checkValue(name: string, values: readonly OnnxValueInfo[], shape: readonly number[]): void {
  const value = values.find((each) => each.name === name);
  if (!value) throw new TrunkError(`no input or output is named ${name}`);
  const [batch, ...rest] = value.shape;
  if (value.type !== 'int64' && batch === batchAxis && String(rest) === String(shape)) return;
  throw new TrunkError(
    `${name} is ${value.type ?? 'float'} [${value.shape.join(', ')}], not float [${batchAxis}, ${shape.join(', ')}]`,
  );
}
