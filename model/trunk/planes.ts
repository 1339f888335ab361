import type { ModelRunner, TensorValue } from '../graph/executor.ts';
import { encodeModel } from '../graph/onnx/encode.ts';
import type { OnnxModel } from '../graph/onnx/encode.ts';
import { sizeOf } from '../graph/shapes.ts';
import { cutTrunk } from './cut.ts';
import { tapShape, TrunkError, trunkInput } from './trunk.ts';
import type { TapSize, TrunkDescription } from './trunk.ts';

/**
 * Images that the trunk is given at once, always: what is missing in the last slice is filled up. So an image's planes
 * are the same bits in any batch and at any place in it. Larger slices are no faster in one thread.
 */
export const sliceSize = 4;

/** Planes of each tap by name: [n, channels, side, side], or [n, channels] of features. */
export type Planes = Readonly<Record<string, TensorValue>>;

/** What computing planes needs of a trunk. */
export interface Trunk {
  readonly card: Pick<TrunkDescription, 'sha256' | 'side' | 'taps'>;
  readonly model: OnnxModel;
}

/**
 * The planes of `images`, [n, 3, side, side] of the card's side and pixels, at the given taps: the trunk is cut to
 * them, so that nothing behind the deepest one is computed. The runner may block the calling thread, which is then a
 * worker's or a test's.
 * @throws TrunkError when the images are not of that shape, or the trunk does not have one of the taps
 * @throws what `models` throws when it cannot compile or run the trunk
 */
export async function planesOf(
  models: ModelRunner,
  trunk: Trunk,
  taps: readonly string[],
  images: TensorValue,
): Promise<Planes> {
  const { sha256, side } = trunk.card;
  const wanted = wantedTaps(trunk.card, taps);
  const shape = [images.shape[0] ?? 0, 3, side, side];
  if (String(images.shape) !== String(shape) || images.data.length !== sizeOf(shape))
    throw new TrunkError(`images [${images.shape.join(', ')}] in place of [n, 3, ${side}, ${side}]`);
  const key = `trunk ${sha256} ${wanted.map(([name]) => name).join(',')}`;
  const program = await models.model(key, () => encodeModel(cutTrunk(trunk.model, taps)));
  const found = wanted.map(([name, tap]) => {
    const shape = [images.shape[0]!, ...tapShape(tap)];
    return [name, { shape, data: new Float32Array(sizeOf(shape)) }] as const;
  });
  for (let start = 0; start < images.shape[0]!; start += sliceSize) {
    const outputs = await program.run({ [trunkInput]: sliceOf(images, start, shape) });
    for (const [name, { data, shape }] of found) copySlice(outputs[name]!.data, data, start, shape);
  }
  return Object.fromEntries(found);
}

/** In the card's order, each once, so that the same taps have one program. */
function wantedTaps({ taps: known }: Trunk['card'], taps: readonly string[]): [string, TapSize][] {
  for (const name of taps)
    if (!Object.hasOwn(known, name))
      throw new TrunkError(`there is no tap ${name}; the trunk has ${Object.keys(known).join(', ')}`);
  return Object.entries(known).filter(([name]) => taps.includes(name));
}

/** A slice of full size from image `start` on; zeros stand for images behind the last. */
function sliceOf({ data }: TensorValue, start: number, [, ...image]: readonly number[]): TensorValue {
  const size = sizeOf(image);
  const values = new Float32Array(sliceSize * size);
  values.set(data.subarray(start * size, (start + sliceSize) * size));
  return { data: values, shape: [sliceSize, ...image] };
}

/** Puts the planes of a slice at their place; those of filled-up images are dropped. */
function copySlice(from: Float32Array, to: Float32Array, start: number, shape: readonly number[]): void {
  const offset = start * sizeOf(shape.slice(1));
  to.set(from.subarray(0, to.length - offset), offset);
}
