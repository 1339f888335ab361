import type { ModelConfiguration } from '../configuration.ts';
import { cellNames, edgeIndex, targetsOf } from '../search-space/genotype.ts';
import type { CellGenotype, CellName, Genotype, GenotypeEdge } from '../search-space/genotype.ts';
import { add, concat, relu, reshape } from '../graph/operations.ts';
import type { Tensor } from '../graph/primitives.ts';
import { sizeOf } from '../graph/shapes.ts';
import type { Shape } from '../graph/shapes.ts';
import { depthwise, outputSide } from '../layers/depthwise.ts';
import { pool3, subsample } from '../layers/primitive-layers.ts';
import type { CellContext } from './cell-context.ts';
import type { Parameters, ParameterSpecification } from '../layers/parameter-specification.ts';
import { cellGeometry, depthwiseKinds, strideOf } from '../search-space/geometry.ts';
import { outerWeights, projectionWeights, headSpecifications } from './weights.ts';

/** The depthwise kernel of each convolution of the search space, and whether it is applied twice. */
const convolutionKinds = {
  sep_conv_3x3: { kind: 0, twice: true },
  sep_conv_5x5: { kind: 1, twice: true },
  dil_conv_3x3: { kind: 2, twice: false },
  dil_conv_5x5: { kind: 3, twice: false },
} as const;

/** Whether an operation has weights: a separable or dilated convolution. */
export const isConvolution = (
  operation: GenotypeEdge['operation'],
): operation is keyof typeof convolutionKinds => operation in convolutionKinds;

/** Which depthwise kernel a convolution has, and whether it is applied twice. */
export const convolutionOf = (
  operation: keyof typeof convolutionKinds,
): (typeof depthwiseKinds)[number] & { readonly twice: boolean; readonly position: number } => {
  const { kind, twice } = convolutionKinds[operation];
  return { ...depthwiseKinds[kind], twice, position: kind };
};

/** Name of an edge of the child: the prefix of its weights and statistics. */
export const edgeName = (cell: CellName, source: number, target: number): string =>
  `${cell}.${source}-${target}`;

/** A weight of the child and where it lies in the one-shot model's tensors. */
export interface ChildWeight {
  readonly name: string;
  readonly shape: Shape;
  readonly from: string;
  readonly offset: number;
}

function edgeWeights(
  configuration: ModelConfiguration,
  cell: CellName,
  target: number,
  edge: GenotypeEdge,
): ChildWeight[] {
  const { nodes } = configuration.supernet;
  const onTrunk = configuration.trunk !== undefined;
  const c = cellGeometry(configuration)[cell].channels;
  const { input: source, operation } = edge;
  const edges = targetsOf(source, nodes).length;
  const e = edgeIndex(source, target, nodes) - edgeIndex(source, targetsOf(source, nodes)[0]!, nodes);
  const [to, from] = [edgeName(cell, source, target), `${cell}.${source}`];
  const part = (name: string, full: string, shape: Shape, position: number): ChildWeight => ({
    name: `${to}.${name}`,
    shape,
    from: `${from}.${full}`,
    offset: position * sizeOf(shape),
  });
  if (operation === 'skip_connect')
    return strideOf(cell, source, onTrunk) === 2 ? [part('skip', 'skip', [1, c, c], e)] : [];
  if (!isConvolution(operation)) return [];
  const { name, kernel, twice } = convolutionOf(operation);
  const kind = convolutionKinds[operation].kind;
  return (twice ? (['first', 'second'] as const) : (['first'] as const)).flatMap((half) => [
    part(`depthwise.${half}`, `${name}.${half}`, [1, c, kernel ** 2], e),
    part(`pointwise.${half}`, `pointwise.${half}`, [1, c, c], kind * edges + e),
  ]);
}

/** What the inner loop adapts of a child, each a part of a tensor of the one-shot model. */
export function childBody(configuration: ModelConfiguration, genotype: Genotype): ChildWeight[] {
  const { taps } = genotype;
  const whole = [
    ...outerWeights(configuration, taps),
    ...cellNames.flatMap((cell) => projectionWeights(cell, configuration, taps)),
  ];
  const edges = cellNames.flatMap((cell) =>
    genotype[cell].nodes.flatMap((incoming, target) =>
      incoming.flatMap((edge) => edgeWeights(configuration, cell, target, edge)),
    ),
  );
  return [...whole.map(asWhole), ...edges];
}

const asWhole = ({ name, shape }: ParameterSpecification): ChildWeight => ({
  name,
  shape,
  from: name,
  offset: 0,
});

/** The weights of a child network: its body, and what the head is made of. */
export const childWeights = (configuration: ModelConfiguration, genotype: Genotype): ChildWeight[] => [
  ...childBody(configuration, genotype),
  ...headSpecifications(configuration).map(asWhole),
];

/** How many weights `childWeights` has. */
export const childSize = (configuration: ModelConfiguration, genotype: Genotype): number =>
  childWeights(configuration, genotype).reduce((total, { shape }) => total + sizeOf(shape), 0);

/** Copies the child's weights out of the one-shot model's. */
export function selectChild(weights: readonly ChildWeight[], full: Parameters): Record<string, Float32Array> {
  return Object.fromEntries(
    weights.map(({ name, shape, from, offset }) => [name, full[from]!.slice(offset, offset + sizeOf(shape))]),
  );
}

/** The transpose of `selectChild`: puts values of the child into zeros of the one-shot model's shapes. */
export function scatterChild(
  weights: readonly ChildWeight[],
  child: Parameters,
  lengths: Readonly<Record<string, number>>,
): Record<string, Float32Array> {
  const full = Object.fromEntries(
    Object.entries(lengths).map(([name, length]) => [name, new Float32Array(length)]),
  );
  for (const { name, from, offset } of weights) full[from]!.set(child[name]!, offset);
  return full;
}

/** A decoded cell, channel-major: the concatenated intermediate nodes [nodes · c, images · h'·w']. */
export function childCell(
  context: CellContext,
  inputs: readonly [Tensor, Tensor],
  side: number,
  genotype: CellGenotype,
): Tensor {
  const known: Tensor[] = [...inputs];
  genotype.nodes.forEach((edges, target) => {
    const parts = edges.map((edge) => {
      const stride = context.stride(edge.input);
      const at = context.cell === 'reduction' && stride === 1 ? Math.ceil(side / 2) : side;
      return childEdge(context, known[edge.input]!, edge, target, at, stride);
    });
    known.push(parts.reduce((total, part) => add(total, part)));
  });
  return concat(known.slice(2), 0);
}

function childEdge(
  context: CellContext,
  h: Tensor,
  edge: GenotypeEdge,
  target: number,
  side: number,
  stride: 1 | 2,
): Tensor {
  const { cell, images, normalizer, weights } = context;
  const name = edgeName(cell, edge.input, target);
  const c = h.shape[0]!;
  const pointwise = (x: Tensor, weight: string, part = name): Tensor =>
    normalizer.project(reshape(weights(`${name}.${weight}`), [c, c]), x, part);
  switch (edge.operation) {
    case 'max_pool_3x3':
      return normalizer.apply(pool3('max', h, side, stride), name);
    case 'avg_pool_3x3':
      return normalizer.apply(pool3('average', h, side, stride), name);
    case 'skip_connect':
      return stride === 1 ? h : pointwise(subsample(relu(h), side), 'skip');
    default: {
      const { kernel, dilation, twice } = convolutionOf(edge.operation);
      const half = (x: Tensor, part: 'first' | 'second', at: number, by: 1 | 2): Tensor => {
        const planes = reshape(relu(x), [1, c, images, at * at]);
        const kernels = { weights: weights(`${name}.depthwise.${part}`), kernel, dilation };
        const y = depthwise(planes, [kernels], { side: at, stride: by });
        return pointwise(reshape(y, [c, images * y.shape[3]!]), `pointwise.${part}`, `${name}.${part}`);
      };
      const once = half(h, 'first', side, stride);
      return twice ? half(once, 'second', outputSide({ side, kernel, stride, dilation }), 1) : once;
    }
  }
}
