import { multiplyAdds } from '../adaptation/export-child.ts';
import type { Weights } from '../graph/weights.ts';
import type { Executor } from '../graph/executor.ts';
import { Graph } from '../graph/graph.ts';
import type { GraphFunction } from '../graph/graph.ts';
import type { Tensor } from '../graph/primitives.ts';
import { Programs } from '../graph/programs.ts';
import { stopwatch } from '../stopwatch.ts';
import {
  cellNetwork,
  cellSpecifications,
  chooseRegression,
  oneHotRegression,
  regressionEdges,
  regressionOperations,
} from './cell.ts';
import type { RegressionGenotype } from './cell.ts';
import type { RegressionCheckpoint, ServedRegression } from './checkpoint.ts';
import type { RegressionConfiguration } from './configuration.ts';
import { encodeTasks } from './encoder.ts';
import { exportRegression, regressionFunction, weightCount } from './export.ts';
import { innerLoop, lookup } from './inner-loop.ts';
import { innerRate } from './inner-rates.ts';
import { architectureFunction, embeds, modulateCell, parameterInputs } from './mnas.ts';
import { noNormalization } from './normalization.ts';
import { summedError } from './tensors.ts';

/** A point of a regression task. */
export type Point = readonly [x: number, y: number];

/** What a regression task becomes: an architecture, adapted weights as an ONNX file, and what is known of both. */
export interface AdaptedRegression {
  readonly genotype: RegressionGenotype;
  /** Weights of the exported network. */
  readonly weights: number;
  /** Of one x. */
  readonly multiplyAdds: number;
  /** Mean squared error on the support set. */
  readonly support: { readonly before: number; readonly after: number };
  /** ONNX: input `x` and output `y`, float32 [n, 1]. */
  readonly model: Uint8Array;
  /** z_i (Eq. 6); empty where nothing depends on one. */
  readonly embedding: Float32Array;
  /** Milliseconds by stage. */
  readonly timings: Readonly<Record<string, number>>;
}

/** What an adaptation tells of itself before it has ended. */
export type RegressionEvent =
  | { readonly kind: 'genotype'; readonly genotype: RegressionGenotype }
  /** The support set after `step` inner steps, from 0 on. */
  | { readonly kind: 'fit'; readonly step: number; readonly meanSquaredError: number };

export interface AdaptRegressionOptions {
  /** Inner steps of Eq. 8; may differ from the number that was trained with. */
  readonly steps: number;
  readonly report?: (event: RegressionEvent) => void;
}

/** The values left the range of numbers: the points are too far from the tasks that the checkpoint was trained on. */
export class NotAdaptableError extends Error {
  override readonly name = 'NotAdaptableError';
  readonly code = 'NOT_ADAPTABLE';

  constructor() {
    super('the adaptation does not give finite values on the support set');
  }
}

/** @throws NotAdaptableError */
function requireFinite(...values: readonly Float32Array[]): void {
  if (!values.every((some) => some.every(Number.isFinite))) throw new NotAdaptableError();
}

/**
 * The points in the order in which the checkpoint's encoder reads them: by x, then y, or as they come. A result of a
 * `sorted` checkpoint does not depend on the order of the points.
 */
export const orderedPoints = (
  order: ServedRegression['order'],
  points: readonly Point[],
): readonly Point[] => (order === 'drawn' ? points : [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]));

const programsByExecutor = new WeakMap<Executor, Map<string, Programs>>();

/** The programs of a configuration: graphs that were built once are not built again by later tasks. */
function programsOf(model: RegressionConfiguration, executor: Executor): Programs {
  const own = programsByExecutor.get(executor) ?? new Map<string, Programs>();
  programsByExecutor.set(executor, own);
  const key = `regression ${JSON.stringify(model)}`;
  const programs = own.get(key) ?? new Programs(executor, key);
  own.set(key, programs);
  return programs;
}

/**
 * The online half of M-NAS on a regression task: embeds the support set, decodes its architecture, modulates and
 * adapts the weights (Eq. 4-8) and exports them.
 * @throws NotAdaptableError
 */
export async function adaptRegression(
  checkpoint: RegressionCheckpoint,
  points: readonly Point[],
  { steps, report }: AdaptRegressionOptions,
  executor: Executor,
): Promise<AdaptedRegression> {
  const clock = stopwatch();
  const { model } = checkpoint.configuration;
  const programs = programsOf(model, executor);
  const ordered = orderedPoints(checkpoint.configuration.order, points);
  const support = {
    'support.x': Float32Array.from(ordered, ([x]) => x),
    'support.y': Float32Array.from(ordered, ([, y]) => y),
  };
  const count = ordered.length;
  const { alpha, embedding = new Float32Array() } = await programs.run(
    `architecture ${count}`,
    () => architectureFunction(model, { tasks: 1, support: count }),
    checkpoint.parameters,
    support,
  );
  requireFinite(alpha!, embedding);
  const genotype = chooseRegression(alpha!, checkpoint.genotypes, model.cell.nodes);
  clock.lap('embed');
  report?.({ kind: 'genotype', genotype });
  const results = await programs.run(
    `adapt ${count} ${steps}`,
    () => adaptationFunction(model, { support: count, steps }),
    checkpoint.parameters,
    support,
    { chosen: oneHotRegression(genotype) },
  );
  requireFinite(...Object.values(results));
  const errorNames = Array.from({ length: steps + 1 }, (_, step) => errorName(step));
  const errors = errorNames.map((name) => results[name]![0]!);
  clock.lap('adapt');
  errors.forEach((meanSquaredError, step) => report?.({ kind: 'fit', step, meanSquaredError }));
  const weights = Object.fromEntries(Object.entries(results).filter(([name]) => !errorNames.includes(name)));
  const built = regressionFunction(model, genotype, weights);
  const file = exportRegression(checkpoint.id, genotype, built);
  clock.lap('export');
  return {
    genotype,
    weights: weightCount(model, genotype),
    multiplyAdds: multiplyAdds(built),
    support: { before: errors[0]!, after: errors.at(-1)! },
    model: file,
    embedding,
    timings: clock.laps,
  };
}

/** The output that has the mean squared error of the support set after `step` inner steps. */
const errorName = (step: number): string => `error.${step}`;

/**
 * Modulation and inner loop of one task: the adapted weights of the whole cell by name, [1, ...], and the mean squared
 * error before, between and after the steps (`errorName`), [1, 1, 1]. Inputs are those parts of Θ that it reads, `support.x`, `support.y` and
 * `chosen` [1, edges, 3].
 */
function adaptationFunction(
  configuration: RegressionConfiguration,
  { support, steps }: { readonly support: number; readonly steps: number },
): GraphFunction {
  const graph = new Graph();
  const theta = parameterInputs(graph, configuration);
  const [x, y] = (['support.x', 'support.y'] as const).map((name) => graph.input(name, [1, support, 1]));
  const chosen = graph.input('chosen', [1, regressionEdges(configuration), regressionOperations.length]);
  const embedding = embeds(configuration)
    ? encodeTasks(configuration.encoder, x!, y!, theta).embedding
    : null;
  const predict = (input: Tensor, weights: Weights): Tensor =>
    cellNetwork(configuration, input, weights, chosen, noNormalization);
  const trajectory = innerLoop(predict, modulateCell(configuration, embedding, 1, theta), x!, y!, {
    steps,
    rate: innerRate(configuration.innerLoop, cellSpecifications(configuration), theta),
  });
  // all but the last are part of the gradients already
  const errors = trajectory.map((weights, step): [string, Tensor] => [
    errorName(step),
    summedError(predict(x!, lookup(weights)), y!),
  ]);
  return {
    name: 'regression-adaptation',
    outputs: { ...Object.fromEntries(errors), ...trajectory.at(-1)! },
  };
}
