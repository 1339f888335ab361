import type { JobContext, JobTable } from '../../../engine/jobs.ts';
import { Programs } from '../../../model/graph/programs.ts';
import type { Values } from '../../../model/graph/programs.ts';
import {
  chooseRegression,
  oneHotRegression,
  regressionEdges,
  regressionKey,
  regressionOperations,
} from '../../../model/regression/cell.ts';
import type { RegressionGenotype } from '../../../model/regression/cell.ts';
import { metaGradientFunction, predictionFunction } from '../../../model/regression/graphs.ts';
import type { RegressionMethod } from '../../../model/regression/method.ts';
import { architectureFunction } from '../../../model/regression/mnas.ts';
import type { RegressionTraining } from '../../../model/regression/mnas.ts';
import { LocalCopy, ParameterLayout } from '../../run/parameter-vector.ts';
import { batchOf, heldOutTasks, noiseOf, pathMasks, trainingTasks } from './batch.ts';
import type { BatchValues } from './batch.ts';
import type { ToyConfiguration } from './configuration.ts';
import type { Family, RegressionTask } from './families.ts';
import { methodOf } from './methods/table.ts';

/** What every worker of a run is given once. */
export interface ToyWorkerData {
  readonly configuration: ToyConfiguration;
  /** Θ on shared memory, rewritten by the trainer between jobs. */
  readonly parameters: Float32Array;
  /** Where each share of a meta-batch leaves its gradient, summed over its tasks; on shared memory too. */
  readonly gradients: readonly Float32Array[];
}

/** What the architecture of a task is decided by. */
interface Architectures {
  readonly training: RegressionTraining;
  /** What a decoded task chooses among; empty: any genotype. */
  readonly genotypes: readonly RegressionGenotype[];
}

export interface ToyGradientPayload extends Architectures {
  readonly iteration: number;
  readonly share: number;
  readonly start: number;
  readonly count: number;
}

export interface ToyGradientResult {
  readonly objective: number;
  readonly errors: Float32Array;
}

export interface ToyEvaluationPayload extends Architectures {
  readonly set: 'validation' | 'test' | 'genotypes';
  readonly family: Family;
  readonly start: number;
  readonly count: number;
}

/** The grid of x on which a task's fit is shown. */
export interface ToyFitPayload extends Architectures {
  readonly family: Family;
  readonly task: number;
  readonly grid: readonly number[];
}

export interface ToyEvaluationResult {
  /** Mean squared error of each task. */
  readonly errors: Float32Array;
  /** Key of each task's decoded architecture; empty for methods without. */
  readonly genotypes: readonly string[];
  readonly decoded: readonly RegressionGenotype[];
  readonly embeddings: Float32Array;
}

/** What the workers compute of the Θ that they read. */
export interface ToyJobs {
  /** The gradient of a share of a meta-batch, left on shared memory. */
  gradient(request: ToyGradientPayload): ToyGradientResult;
  /** Held-out tasks, in their order. */
  evaluate(request: ToyEvaluationPayload): ToyEvaluationResult;
  /** Predictions of one adapted test task on a grid of x. */
  fit(request: ToyFitPayload): Float32Array;
}

type ToyTable = JobTable<ToyJobs, ToyWorkerData>;
type ToyContext = JobContext<ToyWorkerData>;

let programs: Programs | undefined;
const programsOf = ({ executor }: ToyContext): Programs => (programs ??= new Programs(executor, 'toy'));

/** This worker's copy of Θ. */
const local = new LocalCopy();

const batchValues = (
  { configuration }: ToyWorkerData,
  { noise = 0 }: RegressionMethod,
  tasks: readonly RegressionTask[],
): BatchValues => ({
  ...batchOf(tasks, configuration.order),
  ...(noise > 0 ? { noise: noiseOf(tasks, noise) } : {}),
});

interface Decoded {
  readonly genotypes: readonly RegressionGenotype[];
  /** Inputs of the stage: mask, `chosen` or `chosen.offset`, [t, edges, 3]. */
  readonly inputs: Values;
  readonly embeddings: Float32Array;
}

/** Encoder, controller and decoding for a batch; nothing for the methods that have no architecture to choose. */
async function decodeBatch(
  context: ToyContext,
  { genotypes }: Architectures,
  theta: Values,
  batch: BatchValues,
  count: number,
): Promise<Decoded> {
  const { configuration } = context.workerData;
  const { method, points } = configuration;
  if (method.kind !== 'm-nas') return { genotypes: [], inputs: {}, embeddings: new Float32Array() };
  const results = await programsOf(context).run(
    `architecture ${count}`,
    () => architectureFunction(method.model, { tasks: count, support: points.support }),
    theta,
    batch,
  );
  const { alpha, embedding = new Float32Array() } = results;
  const size = regressionEdges(method.model) * regressionOperations.length;
  const decoded = Array.from({ length: count }, (_, i) =>
    chooseRegression(alpha!.subarray(i * size, (i + 1) * size), genotypes, method.model.cell.nodes),
  );
  const chosen = new Float32Array(count * size);
  decoded.forEach((genotype, i) => chosen.set(oneHotRegression(genotype), i * size));
  const inputs = {
    mask: new Float32Array(count * size).fill(1),
    chosen,
    'chosen.offset': chosen.map((value, i) => value - alpha![i]!),
  };
  return { genotypes: decoded, inputs, embeddings: embedding };
}

const gradientJob: ToyTable['gradient'] = async (request, context) => {
  const { training, iteration, start, count } = request;
  const data = context.workerData;
  const { configuration } = data;
  const method = methodOf(configuration.method, training);
  const layout = new ParameterLayout(method.parameters);
  const theta = local.of(data.parameters, layout);
  const batch = batchValues(data, method, trainingTasks(configuration, iteration, start, count));
  const needsChoice = configuration.method.kind === 'm-nas' && training.stage !== 'search';
  const { inputs } = needsChoice
    ? await decodeBatch(context, request, theta, batch, count)
    : { inputs: searchInputs(configuration, iteration, start, count) };
  const size = { tasks: count, ...configuration.points };
  const result = await programsOf(context).run(
    `gradient ${JSON.stringify(training)} ${count}`,
    () => metaGradientFunction(method, size),
    theta,
    batch,
    inputs,
  );
  layout.pack(result, data.gradients[request.share]);
  return {
    objective: result['objective']![0]!,
    errors: result['errors']!,
  };
};

function searchInputs(
  configuration: ToyConfiguration,
  iteration: number,
  start: number,
  count: number,
): Values {
  const { method } = configuration;
  if (method.kind !== 'm-nas') return {};
  const shape = [regressionEdges(method.model), regressionOperations.length] as const;
  return { mask: pathMasks(configuration, iteration, start, count, shape) };
}

/** What the final prediction graph gives for held-out tasks, and how they were decoded. */
async function predict(
  context: ToyContext,
  architectures: Architectures,
  tasks: readonly RegressionTask[],
): Promise<Decoded & { readonly errors: Float32Array; readonly predictions: Float32Array }> {
  const data = context.workerData;
  const { configuration } = data;
  const { training } = architectures;
  const method = methodOf(configuration.method, training);
  const theta = local.of(data.parameters, new ParameterLayout(method.parameters));
  const batch = batchValues(data, method, tasks);
  const decoded = await decodeBatch(context, architectures, theta, batch, tasks.length);
  const query = tasks[0]!.queryX.length;
  const size = { tasks: tasks.length, support: configuration.points.support, query };
  const { errors, predictions } = await programsOf(context).run(
    `prediction ${JSON.stringify([training, size])}`,
    () => predictionFunction(method, size),
    theta,
    batch,
    decoded.inputs,
  );
  return { ...decoded, errors: errors!, predictions: predictions! };
}

const evaluationJob: ToyTable['evaluate'] = async (request, context) => {
  const { set, family, start, count } = request;
  const { configuration } = context.workerData;
  const tasks = heldOutTasks(set, configuration, family, start, count);
  const { errors, genotypes, embeddings } = await predict(context, request, tasks);
  return {
    errors,
    genotypes: genotypes.map(regressionKey),
    decoded: set === 'genotypes' ? genotypes : [],
    embeddings,
  };
};

const fitJob: ToyTable['fit'] = async (request, context) => {
  const { configuration } = context.workerData;
  const [task] = heldOutTasks('test', configuration, request.family, request.task, 1);
  const grid = Float32Array.from(request.grid);
  const shown = { ...task!, queryX: grid, queryY: new Float32Array(grid.length) };
  const { predictions } = await predict(context, request, [shown]);
  return predictions;
};

export const jobs: ToyTable = { gradient: gradientJob, evaluate: evaluationJob, fit: fitJob };
