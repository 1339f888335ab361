import type { OnnxInitializer, OnnxModel, OnnxNode } from '../../model/graph/onnx/encode.ts';
import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import { parseModelConfiguration } from '../../model/configuration.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import { sizeOf } from '../../model/graph/shapes.ts';
import { initialParameters, parameterSpecifications } from '../../model/parameters.ts';
import { fold, keyFrom, normal, uniform } from '../../model/random.ts';
import { parseGenotypeKey } from '../../model/search-space/genotype.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import { encodeFloat16 } from '../../model/trunk/float16.ts';
import { answerCostOf } from '../../model/trunk/cost.ts';
import { cutTrunk } from '../../model/trunk/cut.ts';
import type { TrunkCard } from '../../model/trunk/trunk.ts';
import { convolution, float16Weight } from './trunk-nodes.ts';
import { smallTrunkConfiguration } from './trunk-task.ts';

/** Side of the images that the trunk reads. */
export const trunkSide = 20;

/** A convolution of random kernels, stored as float16 and cast, and what bounds its planes. */
function block(
  name: string,
  input: string,
  shape: readonly [number, number, number, number],
  { stride, padding }: { readonly stride: number; readonly padding: number },
): { readonly nodes: OnnxNode[]; readonly initializer: OnnxInitializer } {
  const kernel = shape[3];
  const deviation = (shape[1] * kernel ** 2) ** -0.5;
  const values = Float32Array.from(normal(fold(keyFrom(5), name), sizeOf(shape)), (x) => x * deviation);
  const data = new Uint16Array(values.length);
  encodeFloat16(values, data, 0);
  const linear = `${name}.linear`;
  const { initializer, cast } = float16Weight(`${linear}.weight`, shape, data);
  const clip: OnnxNode = {
    operator: 'Clip',
    name: `${name}.clip`,
    inputs: [linear, 'least', 'most'],
    outputs: [name],
  };
  return { initializer, nodes: [cast, convolution(linear, input, { kernel, stride, padding }), clip] };
}

const blocks = [
  block('a', 'image', [2, 3, 3, 3], { stride: 2, padding: 1 }),
  block('b', 'a', [3, 2, 5, 5], { stride: 1, padding: 0 }),
  block('c', 'b', [4, 3, 3, 3], { stride: 3, padding: 0 }),
];

const shapes = { a: [2, 10, 10], b: [3, 6, 6], c: [4, 2, 2] } as const;

/** Of images of 20 px: taps `a`, 2 planes of 10 px, `b`, 3 of 6 px, and `c`, 4 of 2 px. */
export const randomTrunk: OnnxModel = {
  name: 'random',
  nodes: blocks.flatMap(({ nodes }) => nodes),
  initializers: [
    ...blocks.map(({ initializer }) => initializer),
    { name: 'least', shape: [], data: Float32Array.of(-2) },
    { name: 'most', shape: [], data: Float32Array.of(2) },
  ],
  inputs: [{ name: 'image', shape: ['n', 3, trunkSide, trunkSide], type: 'float' }],
  outputs: Object.entries(shapes).map(([name, shape]) => ({ name, shape: ['n', ...shape], type: 'float' })),
  values: Object.entries(shapes).map(([name, shape]) => ({
    name: `${name}.linear`,
    shape: ['n', ...shape],
    type: 'float',
  })),
  opset: 17,
  metadata: { licence: 'CC0-1.0' },
};

/** The card of {@link randomTrunk}. */
export const randomTrunkCard: TrunkCard = {
  name: 'tiny',
  file: 'tiny.onnx',
  sha256: '0'.repeat(64),
  side: trunkSide,
  pixels: 'RGB, 0..1, planar [n, 3, side, side]',
  source: 'test/support/random-trunk.ts',
  licence: 'CC0-1.0',
  taps: Object.fromEntries(
    Object.entries(shapes).map(([name, [channels, side]]) => [
      name,
      { channels, side, ...answerCostOf(cutTrunk(randomTrunk, [name])) },
    ]),
  ),
};

/** {@link randomTrunk} with its card. */
export const randomTrunkGraph = { card: randomTrunkCard, model: randomTrunk };

/** The model of `smallTrunkConfiguration` on {@link randomTrunk}, with mirror images, crops and one inner step. */
export const trunkConfiguration = (
  changes: Partial<Pick<ModelConfiguration, 'mirroring' | 'crops' | 'modulator' | 'innerLoop'>> = {},
): ModelConfiguration =>
  parseModelConfiguration({
    ...smallTrunkConfiguration({ steps: 1 }),
    image: { size: trunkSide },
    mirroring: { shots: 2 },
    crops: { shots: 1, count: 2 },
    ...changes,
  });

/** Architectures that read {@link randomTrunk} to its tap `a`, `b` and `c`: each costs more than the one before. */
export const genotypesByDepth: readonly Genotype[] = ['a,a,a+a', 'a,b,b+b', 'a,b,c+a,c'].map((taps) =>
  parseGenotypeKey(`0s1i.0i1d/0s1m.1i2s/${taps}`),
);

/** A checkpoint of random parameters, those among them that start from constants. `mirrored` is its answer for every task. */
export function randomTrunkCheckpoint(
  configuration: ModelConfiguration,
  {
    id = 'tiny',
    seed = 1,
    mirrored = true,
    genotypes = [],
  }: { id?: string; seed?: number; mirrored?: boolean; genotypes?: readonly Genotype[] } = {},
): Checkpoint {
  const key = keyFrom(seed);
  const drawn = initialParameters(configuration, key);
  const parameters = Object.fromEntries(
    parameterSpecifications(configuration).map(({ name, group }) => {
      const own = drawn[name]!;
      if (name === 'mirroring')
        return [name, own.map((_, i) => (i === own.length - 1 ? (mirrored ? 1 : -1) : 0))] as const;
      const noise = uniform(fold(key, 'noise', name), own.length);
      const spread = group === 'modulator' || group === 'encoder' ? 0.1 : 0.3;
      return [
        name,
        own.map((x, i) => x + spread * (name.includes('.square.') ? noise[i]! : noise[i]! - 0.5)),
      ] as const;
    }),
  );
  return { id, configuration, parameters, genotypes, training: {} };
}
