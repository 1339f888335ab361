import { createOnnxExecutor } from '../engine/onnxruntime.ts';
import { depthwise, fasterFormulation } from '../model/layers/depthwise.ts';
import type { DepthwiseFormulation } from '../model/layers/depthwise.ts';
import { gradient } from '../model/graph/gradient.ts';
import { Graph, inputsOf } from '../model/graph/graph.ts';
import type { GraphFunction } from '../model/graph/graph.ts';
import { multiply, sum } from '../model/graph/operations.ts';
import { sizeOf } from '../model/graph/shapes.ts';
import { keyFrom, normal } from '../model/random.ts';
import { timesInTurn } from './in-turn.ts';
import { median } from './median.ts';

/** Kernels that all edges of one source have: e of 3x3 and of 5x5, as the separable convolutions. */
const kernels = [3, 5];
const edges = 4;

export interface DepthwiseCase {
  readonly channels: number;
  readonly side: number;
  readonly stride: 1 | 2;
  readonly images: number;
  /** Whether all kernels read the same planes, or each its own. */
  readonly input: 'shared' | 'own';
}

/** Milliseconds of value and both gradients in each formulation, and the one that the model takes. */
export interface DepthwiseTimes extends DepthwiseCase, Readonly<Record<DepthwiseFormulation, number>> {
  readonly taken: DepthwiseFormulation;
}

const formulations = ['rows', 'planes', 'grouped'] as const satisfies readonly DepthwiseFormulation[];

/** The planes of the cells at 42 and 84 px, support sets of 5 and 25 images and a query set of 75. */
export const depthwiseCases: readonly DepthwiseCase[] = [
  { channels: 16, side: 10, stride: 1 as const },
  { channels: 32, side: 10, stride: 2 as const },
  { channels: 32, side: 5, stride: 1 as const },
  { channels: 16, side: 21, stride: 1 as const },
  { channels: 32, side: 11, stride: 1 as const },
].flatMap((planes) =>
  (planes.side === 21 ? [5, 25] : [5, 25, 75]).flatMap((images) =>
    (planes.stride === 1 ? (['shared', 'own'] as const) : (['shared'] as const)).map((input) => ({
      ...planes,
      images,
      input,
    })),
  ),
);

function inputsOfCase({ channels, side, images, input }: DepthwiseCase, graph: Graph) {
  const first = input === 'own' ? [edges, kernels.length * channels] : [1, channels];
  const x = graph.input('x', [...first, images, side ** 2]);
  const kinds = kernels.map((kernel) => ({
    kernel,
    dilation: 1,
    weights: graph.input(`weights.${kernel}`, [edges, channels, kernel ** 2]),
  }));
  return { x, kinds };
}

function graphOf(given: DepthwiseCase, formulation: DepthwiseFormulation): GraphFunction {
  const graph = new Graph();
  const { x, kinds } = inputsOfCase(given, graph);
  const y = depthwise(x, kinds, given, formulation);
  const loss = sum(multiply(y, graph.input('cotangent', y.shape)));
  const gradients = gradient(loss, [x, ...kinds.map(({ weights }) => weights)]);
  return { name: 'depthwise', outputs: Object.fromEntries(gradients.map((g, i) => [`gradient.${i}`, g])) };
}

/** Times the formulations in turn. */
export async function benchDepthwise(given: DepthwiseCase, runs: number): Promise<DepthwiseTimes> {
  const executor = createOnnxExecutor({ provider: 'cpu', threads: 1, cacheSize: formulations.length });
  const leaves = inputsOf(Object.values(graphOf(given, 'rows').outputs));
  const inputs = Object.fromEntries(
    Object.entries(leaves).map(([name, { shape }], i) => [
      name,
      { data: Float32Array.from(normal(keyFrom(i), sizeOf(shape))), shape },
    ]),
  );
  const entries = await Promise.all(
    formulations.map(async (name) => {
      const program = await executor.program(name, () => graphOf(given, name));
      return [name, () => program.run(inputs)] as const;
    }),
  );
  const timed = await timesInTurn(runs, Object.fromEntries(entries));
  await executor.dispose();
  const { x, kinds } = inputsOfCase(given, new Graph());
  return {
    ...given,
    rows: median(timed['rows']!),
    planes: median(timed['planes']!),
    grouped: median(timed['grouped']!),
    taken: fasterFormulation(x, kinds, given),
  };
}
