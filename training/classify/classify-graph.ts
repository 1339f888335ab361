import type { ModelConfiguration } from '../../model/configuration.ts';
import { gradient } from '../../model/graph/gradient.ts';
import { Graph } from '../../model/graph/graph.ts';
import type { GraphFunction } from '../../model/graph/graph.ts';
import {
  add,
  broadcast,
  crossEntropy,
  divide,
  exp,
  matmul,
  mean,
  multiply,
  subtract,
  sum,
  unitRows,
} from '../../model/graph/operations.ts';
import type { Tensor } from '../../model/graph/primitives.ts';
import { inputWeights } from '../../model/graph/variables.ts';
import type { Variable } from '../../model/graph/variables.ts';
import type { Weights } from '../../model/graph/weights.ts';
import { Normalizer } from '../../model/layers/normalizer.ts';
import type { ParameterSpecification } from '../../model/layers/parameter-specification.ts';
import { childWeights } from '../../model/network/child.ts';
import { cellFeatures } from '../../model/network/trunk-network.ts';
import { featureCount } from '../../model/network/weights.ts';
import { centerName, statisticNames } from '../../model/network/trunk-statistics.ts';
import { cellsSource } from '../../model/search-space/genotype.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import { imagesShape, pooled, tapPlanes } from '../../model/search-space/tap-planes.ts';
import { stemRows, stemWeights } from './stem.ts';
import type { StemChannels } from './stem.ts';

/** What a step of the stage is given besides weights. */
export interface ClassifyShape {
  readonly images: number;
  readonly classes: number;
  /** Length of the teacher's features; 0: nothing is learned from any. */
  readonly teacher: number;
  readonly distillation: number;
  /** Channels of the stem that reads pixels; absent: rows of planes are read. */
  readonly stem?: StemChannels | undefined;
}

/**
 * Parameters that only this stage has: a cosine classifier with the logarithm of its scale, and the linear layer whose
 * output is drawn to the teacher's features.
 */
export function classifierSpecifications(
  configuration: ModelConfiguration,
  { classes, teacher }: Pick<ClassifyShape, 'classes' | 'teacher'>,
): ParameterSpecification[] {
  const count = featureCount(configuration);
  const own = { group: 'head', mean: 0 } as const;
  return [
    { ...own, name: 'classifier.weight', shape: [classes, count], deviation: count ** -0.5 },
    { ...own, name: 'classifier.scale', shape: [1, 1], deviation: 0, mean: Math.log(10) },
    ...(teacher === 0
      ? []
      : [
          { ...own, name: 'teacher.weight', shape: [teacher, count], deviation: count ** -0.5 },
          { ...own, name: 'teacher.bias', shape: [1, teacher], deviation: 0 },
        ]),
  ];
}

/** What the stage descends whatever the child: the stem's weights, and what it alone has. */
export const sharedWeights = (
  configuration: ModelConfiguration,
  shape: Pick<ClassifyShape, 'classes' | 'teacher' | 'stem'>,
): ParameterSpecification[] => [
  ...(shape.stem ? stemWeights(shape.stem) : []),
  ...classifierSpecifications(configuration, shape),
];

/** The weights of a child that the stage trains: all but the scales of the sources, which only an answer reads. */
export const classifiedWeights = (configuration: ModelConfiguration, genotype: Genotype) =>
  childWeights(configuration, genotype).filter(({ name }) => !name.startsWith('beside.'));

/** Keeps rows of zeros finite. */
const unit = (x: Tensor): Tensor => unitRows(x, 1e-6);

/** 1 − the mean cosine between the teacher's features and a linear layer of one's own, [1, 1]. */
function teachingLoss(
  graph: Graph,
  features: Tensor,
  weights: Weights,
  { images, teacher }: ClassifyShape,
): Tensor {
  const taught = matmul(features, weights('teacher.weight'), false, true);
  const own = add(taught, broadcast(weights('teacher.bias'), taught.shape));
  const likeness = multiply(unit(own), unit(graph.input('teacher.features', [images, teacher])));
  return subtract(1, mean(sum(likeness, [1]), [0]));
}

/**
 * One step: `loss`, its part `teaching`, the gradients of all weights by name, and the batch's statistics by the names of the
 * learned ones. Inputs: `images` (rows of planes, or pixels of 0 to 1 with a stem), `targets` [n, classes], which sum to one,
 * and `teacher.features` where there is a teacher.
 */
export function classifyFunction(
  configuration: ModelConfiguration,
  genotype: Genotype,
  shape: ClassifyShape,
): GraphFunction {
  const { images, classes, teacher, stem } = shape;
  const graph = new Graph();
  const variables: Variable[] = [
    ...classifiedWeights(configuration, genotype),
    ...sharedWeights(configuration, shape),
  ].map(({ name, shape: own }) => ({ name, shape: own }));
  const weights = inputWeights(graph, variables);
  const { epsilon } = configuration.normalization;
  const normalizer = new Normalizer(images, images, epsilon);
  const { size } = configuration.image;
  const rows = stem
    ? stemRows(graph.input('images', [images, 3, size, size]), weights, normalizer)
    : graph.input('images', imagesShape(configuration, images));
  const features = cellFeatures(configuration, { kind: 'child', genotype }, rows, weights, normalizer);
  const cosines = matmul(unit(features), unit(weights('classifier.weight')), false, true);
  const logits = multiply(cosines, broadcast(exp(weights('classifier.scale')), cosines.shape));
  const telling = crossEntropy(logits, graph.input('targets', [images, classes]));
  const teaching =
    teacher === 0 ? graph.constant([0], [1, 1]) : teachingLoss(graph, features, weights, shape);
  const loss = add(telling, multiply(teaching, shape.distillation));
  const gradients = gradient(
    loss,
    variables.map(({ name }) => weights(name)),
  );
  const statistics = normalizer.statistics.flatMap(({ name, mean: center, inverse }) => {
    const variance = subtract(divide(1, multiply(inverse, inverse)), epsilon);
    const names = statisticNames(name);
    return [[names.mean, center] as const, [names.square, add(variance, multiply(center, center))] as const];
  });
  return {
    name: 'classify',
    outputs: {
      loss,
      teaching,
      ...Object.fromEntries(variables.map(({ name }, i) => [name, gradients[i]!])),
      ...Object.fromEntries(statistics),
      [centerName(cellsSource)]: mean(features, [0]),
      ...Object.fromEntries(
        configuration.trunk!.taps.map(({ name }) => [
          centerName(name),
          mean(pooled(tapPlanes(rows, configuration.trunk!.taps, name)), [0]),
        ]),
      ),
    },
  };
}
