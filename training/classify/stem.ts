import { add, conv, multiply, relu, reshape, transpose } from '../../model/graph/operations.ts';
import type { Tensor } from '../../model/graph/primitives.ts';
import type { Weights } from '../../model/graph/weights.ts';
import type { Normalizer } from '../../model/layers/normalizer.ts';
import type { ParameterSpecification } from '../../model/layers/parameter-specification.ts';
import { statisticNames } from '../../model/network/trunk-statistics.ts';
import { channelMajor } from '../../model/search-space/tap-planes.ts';

/** Channels of the two convolutions of stride 2 that a stem is: the second ones are its planes'. */
export type StemChannels = readonly [number, number];

/** The names of both convolutions and of their normalisations. */
export const stemParts = ['stem.0', 'stem.1'] as const;

const geometry = { stride: 2, padding: 1, dilation: 1, groups: 1 };

/** Weights [o, c, 3, 3] of both convolutions. */
export const stemWeights = ([first, second]: StemChannels): ParameterSpecification[] =>
  (
    [
      [first, 3],
      [second, first],
    ] as const
  ).map(([o, c], i) => ({
    name: stemParts[i]!,
    shape: [o, c, 3, 3],
    group: 'weights',
    deviation: (9 * c) ** -0.5,
    mean: 0,
  }));

/** Learned statistics of both normalisations, [o, 1] each. */
const stemStatistics = (channels: StemChannels): ParameterSpecification[] =>
  stemParts.flatMap((part, i) => {
    const { mean, square } = statisticNames(part);
    const own = { shape: [channels[i]!, 1], group: 'statistics', deviation: 0 } as const;
    return [
      { ...own, name: mean, mean: 0 },
      { ...own, name: square, mean: 1 },
    ];
  });

/** All that is trained of a stem: its weights, then its statistics. */
export const stemSpecifications = (channels: StemChannels): ParameterSpecification[] => [
  ...stemWeights(channels),
  ...stemStatistics(channels),
];

/**
 * Two convolutions of stride 2, each normalised and rectified, of images [n, 3, s, s] in 0..1, which are centred first, so
 * that padding means grey: rows of planes [n, c · (s/4)²], as a trunk's.
 */
export function stemRows(images: Tensor, weights: Weights, normalizer: Normalizer): Tensor {
  const planes = stemParts.reduce(
    (x, part) => {
      const y = conv(x, weights(part), geometry);
      const [n, c, h, w] = y.shape as [number, number, number, number];
      const normal = relu(normalizer.apply(channelMajor(y), part)); // [c, n·h·w]
      return transpose(reshape(normal, [c, n, h, w]), [1, 0, 2, 3]);
    },
    add(multiply(images, 2), -1),
  );
  return reshape(planes, [planes.shape[0]!, planes.shape.slice(1).reduce((total, size) => total * size, 1)]);
}
