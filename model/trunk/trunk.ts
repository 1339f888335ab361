import type { OnnxModel, OnnxValueInfo } from '../graph/onnx/encode.ts';

/** Planes of a trunk that have a name, or its last features. */
export interface TapSize {
  readonly channels: number;
  /** of a plane, px; 1 where the tap is a vector [n, channels] */
  readonly side: number;
}

/** A tap and what it costs to compute one image up to there. */
export interface TrunkTap extends TapSize {
  /** weights and multiply-adds of an image, of all that is computed up to the tap */
  readonly weights: number;
  readonly multiplyAdds: number;
}

/** Which trunk it is, and its shape. */
export interface TrunkDescription {
  readonly name: string;
  /** of the ONNX file, hexadecimal */
  readonly sha256: string;
  readonly licence: string;
  /** of the square images that enter, px */
  readonly side: number;
  readonly taps: Readonly<Record<string, TapSize>>;
}

/** What is told of a trunk's file: its description, how pixels enter, where it comes from. */
export interface TrunkCard extends TrunkDescription {
  /** the ONNX file's name, in the card's folder */
  readonly file: string;
  /** order, range and layout of the pixels, in words */
  readonly pixels: string;
  readonly source: string;
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
export const tapShape = ({ channels, side }: TapSize): readonly number[] =>
  side === 1 ? [channels] : [channels, side, side];

/**
 * Checks that the graph reads images of the card's side and gives the card's taps.
 * @throws TrunkError that names the first input or tap that differs
 */
export function checkTrunk(model: OnnxModel, card: Pick<TrunkDescription, 'side' | 'taps'>): void {
  const { inputs, outputs } = model;
  if (inputs.length !== 1) throw new TrunkError(`${inputs.length} inputs in place of one`);
  checkValue(trunkInput, inputs, [3, card.side, card.side]);
  for (const [name, tap] of Object.entries(card.taps)) checkValue(name, outputs, tapShape(tap));
}

/**
 * The description of a trunk without its card: side and taps are those of the graph.
 * @throws TrunkError when the graph is not of a trunk's form
 */
export function describeTrunk(
  model: OnnxModel,
  known: Pick<TrunkDescription, 'name' | 'sha256' | 'licence'>,
): TrunkDescription {
  const side = Number(model.inputs[0]?.shape.at(-1));
  const taps = Object.fromEntries(
    model.outputs.map(({ name, shape: [, channels, width = 1] }) => [
      name,
      { channels: Number(channels), side: Number(width) },
    ]),
  );
  checkTrunk(model, { side, taps });
  return { ...known, side, taps };
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
