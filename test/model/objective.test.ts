import { afterAll, describe, expect, test, vi } from 'vitest';
import { engineNames } from '../../engine/options.ts';
import type { ModelConfiguration } from '../../model/configuration.ts';
import { architecture, architectureInputs, modulate } from '../../model/controller.ts';
import { embeddingGraph } from '../../model/embedding-graphs.ts';
import { encodeTask } from '../../model/encoder.ts';
import { cellNames, edgeCount, operationNames } from '../../model/genotype.ts';
import { gradient } from '../../model/graph/gradient.ts';
import { Graph, inputsOf } from '../../model/graph/graph.ts';
import { add, multiply, reshape } from '../../model/graph/operations.ts';
import { evaluate } from '../../model/graph/reference/interpreter.ts';
import type { Weights } from '../../model/cell.ts';
import { stepRateValues } from '../../model/inner-rates.ts';
import type { TaskGraphs } from '../../model/task-graphs.ts';
import { chooseNetwork, metaGradient } from '../../model/objective.ts';
import { stepwiseGradient, unrolledGradient } from '../../model/inner-loop.ts';
import type { MetaTask } from '../../model/inner-loop.ts';
import type { MetaGradient, MetaGradientOptions, Stage } from '../../model/objective.ts';
import { parameterSpecifications } from '../../model/parameters.ts';
import type { ParameterGroup } from '../../model/specifications.ts';
import { fold, keyFrom, uniform } from '../../model/random.ts';
import { noRelaxation, relaxationInputs, TaskRunner } from '../../model/task.ts';
import type { TaskNetwork } from '../../model/task.ts';
import {
  centralDifference,
  distance,
  dot,
  largestDistance,
  lengthOf,
  norm,
  randomDirection,
  relativeError,
  widened,
} from '../support/directional.ts';
import type { Branched, Vectors } from '../support/directional.ts';
import { executors } from '../support/executors.ts';
import { noisyParameters, referenceRunner, smallConfiguration, smallTask } from '../support/meta-task.ts';
import type { SmallOptions } from '../support/meta-task.ts';
import { asValues } from '../support/reference-programs.ts';
import type { ReferencePrograms } from '../support/reference-programs.ts';
import { taskInputs, unrolledLoss } from '../support/unrolled.ts';

// seconds when idle; the float64 interpreter is slow on a busy machine
vi.setConfig({ testTimeout: 240_000 });

interface Case extends SmallOptions {
  readonly stage: Stage;
  readonly way: number;
  readonly masked?: boolean;
  readonly temperature?: number;
}

/** Every stage, network, head, normalisation, modulator, controller, encoder and kind of inner loop, 1 and 2 nodes. */
const cases: readonly Case[] = [
  { stage: 'search', way: 2, nodes: 2 },
  {
    stage: 'search',
    way: 3,
    head: 'shared',
    statistics: 'batch',
    modulator: 'full',
    masked: true,
    temperature: 0.5,
  },
  { stage: 'search', way: 3, statistics: 'batch', modulator: 'none', controller: 'shared' },
  { stage: 'tune', way: 2, head: 'shared' },
  { stage: 'retrain', way: 3, nodes: 2 },
  { stage: 'retrain', way: 2, head: 'shared', statistics: 'batch', modulator: 'full' },
  { stage: 'retrain', way: 2, head: 'shared', modulator: 'none' },
  { stage: 'retrain', way: 2, network: 'conv4', head: 'shared' },
  { stage: 'retrain', way: 3, network: 'conv4', statistics: 'batch' },
  { stage: 'search', way: 2, exactSteps: 0 },
  { stage: 'retrain', way: 3, exactSteps: 2 },
  { stage: 'retrain', way: 2, rates: 'learned', encoder: 'set' },
  { stage: 'search', way: 2, rates: 'learned', exactSteps: 1, head: 'shared', encoder: 'bidirectional' },
];

interface Problem {
  readonly entry: Case;
  readonly seed: number;
  readonly configuration: ModelConfiguration;
  readonly task: MetaTask;
  readonly parameters: Record<string, Float32Array>;
  readonly options: MetaGradientOptions;
}

function problemOf(entry: Case, seed: number): Problem {
  const { stage, way, masked = false, temperature = 1, ...small } = entry;
  const configuration = smallConfiguration(small);
  const rows = cellNames.length * edgeCount(configuration.supernet.nodes);
  const draws = uniform(fold(keyFrom(seed), 'mask'), rows * operationNames.length);
  // one operation of every edge always stays
  const mask = Float32Array.from(draws, (u, i) => Number(u > 0.3 || i % operationNames.length === 4));
  return {
    entry,
    seed,
    configuration,
    task: smallTask(configuration, way, 10 * seed),
    parameters: noisyParameters(configuration, seed),
    options: { stage, reconstructionWeight: 0.1, relaxation: { mask: masked ? mask : null, temperature } },
  };
}

const problems = cases.map((entry, i) => problemOf(entry, i + 1));
const table = (of: (entry: Case) => boolean): [string, Problem][] =>
  problems
    .filter(({ entry }) => of(entry))
    .map((problem) => [JSON.stringify(problem.entry).replaceAll('"', ''), problem]);

interface Reference {
  readonly result: MetaGradient;
  readonly runner: TaskRunner;
  readonly programs: ReferencePrograms;
}

const references = new Map<Problem, Promise<Reference>>();

/** The meta-gradient with every graph in float64, once a problem. */
function referenceOf(problem: Problem): Promise<Reference> {
  const compute = async (): Promise<Reference> => {
    const { runner, programs } = referenceRunner(problem.configuration);
    const { parameters, task, options } = problem;
    return {
      result: await metaGradient(runner, parameters, task, options, stepwiseGradient),
      runner,
      programs,
    };
  };
  const reference = references.get(problem) ?? compute();
  references.set(problem, reference);
  return reference;
}

const groups: readonly ParameterGroup[] = ['encoder', 'controller', 'modulator', 'weights', 'head'];

const namesOf = (configuration: ModelConfiguration, group: ParameterGroup): string[] =>
  parameterSpecifications(configuration)
    .filter((specification) => specification.group === group)
    .map(({ name }) => name);

const only = <T>(values: Readonly<Record<string, T>>, names: readonly string[]): Record<string, T> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));

function meanCrossEntropy(logits: Float32Array, targets: Float32Array, way: number): number {
  let total = 0;
  for (let row = 0; row < logits.length; row += way) {
    const own = logits.subarray(row, row + way);
    const partition = Math.log(own.reduce((sum, x) => sum + Math.exp(x), 0));
    own.forEach((x, i) => (total += targets[row + i]! * (partition - x)));
  }
  return (total * way) / logits.length;
}

/** L_r of the support set. */
async function reconstructionLoss(
  { configuration, task: { size, support } }: Problem,
  runner: TaskRunner,
  parameters: Record<string, Float32Array>,
): Promise<number> {
  const { reconstruction } = await runner.programs.run(
    'reconstruction',
    () => ({
      name: 'reconstruction',
      outputs: { reconstruction: embeddingGraph(configuration, size, false).reconstruction() },
    }),
    parameters,
    { 'support.images': support.images, 'support.targets': support.targets },
  );
  return reconstruction![0]!;
}

/** L_val + β L_r by the forward stages alone, in float64: what the meta-gradient is the gradient of. */
function forwardLoss(problem: Problem): (point: Vectors) => Promise<Branched> {
  const {
    configuration,
    task: { size, support, query },
    options,
  } = problem;
  const { runner, programs } = referenceRunner(configuration);
  return async (point) => {
    programs.takePattern();
    const parameters = asValues(point);
    const relaxation = options.stage === 'search' ? options.relaxation : noRelaxation;
    const embedded = await runner.embed(parameters, support, size, relaxation);
    const reconstruction = embedded.architecture ? await reconstructionLoss(problem, runner, parameters) : 0;
    const { network, mixes: rounded } = chooseNetwork(runner, embedded, options.stage);
    const mixes = only(embedded.modulated, Object.keys(rounded));
    const onNetwork = { network, mixes, support, size };
    let weights = await runner.initialWeights(onNetwork, parameters, embedded.modulated);
    for (let k = 0; k < configuration.innerLoop.steps; k++) {
      const rates = stepRateValues(configuration, parameters, k);
      weights = (await runner.innerStep(onNetwork, weights, rates)).weights;
    }
    const { statistics } = configuration.normalization;
    const logits = await runner.queryLogits(onNetwork, weights, query, statistics);
    const loss = meanCrossEntropy(logits, query.targets, size.way);
    return {
      value: loss + options.reconstructionWeight * reconstruction,
      pattern: programs.takePattern(),
    };
  };
}

describe('the meta-gradient is the derivative of the query loss after five inner steps, in float64', () => {
  // `tune` is a straight-through estimator, and what leaves steps out no derivative either
  test.each(table(({ stage, exactSteps }) => stage !== 'tune' && exactSteps === undefined))(
    '%s',
    async (_, problem) => {
      const { configuration, parameters, seed } = problem;
      const { gradients } = (await referenceOf(problem)).result;
      const f = forwardLoss(problem);
      const point = widened(parameters);
      const { pattern } = await f(point);
      for (const group of groups) {
        const names = namesOf(configuration, group);
        if (names.length === 0) continue;
        const own = only(gradients, names);
        // the child is fixed in `retrain`: nothing flows to the controller, and nothing is returned
        expect(Object.keys(own)).toHaveLength(
          group === 'controller' && problem.entry.stage === 'retrain' ? 0 : names.length,
        );
        if (Object.keys(own).length === 0) continue;
        let difference: number | null = null;
        let exact = 0;
        for (let trial = 0; trial < 6 && difference === null; trial++) {
          const direction = randomDirection(point, names, 100 * seed + trial);
          difference = await centralDifference(f, point, direction, pattern);
          exact = dot(own, direction);
        }
        if (difference === null) expect.fail(`${group}: no direction without kinks`);
        // the usual size along a random direction, so that one small by chance is not measured by itself
        const floor = Math.max(norm(own) / Math.sqrt(lengthOf(only(point, names))), 1e-6);
        const error = relativeError(exact, difference, floor);
        expect(error, `${group}: ${exact} is not ${difference}`).toBeLessThan(2e-6);
      }
    },
  );
});

function networkOf(runner: TaskRunner, { options }: Problem, { genotype }: MetaGradient): TaskNetwork {
  if (!genotype) return runner.conv4();
  return options.stage === 'retrain' ? runner.child(genotype) : runner.supernet();
}

/** The hand-made reverse's gradients of the network's weights and of the architecture. */
function pulledBack(
  programs: ReferencePrograms,
  { network, mixes }: TaskGraphs,
  body: readonly string[],
): Record<string, Float32Array> {
  if (network.kind === 'supernet') {
    const { given } = programs.last('embedding-pullback');
    const names = [...body, ...mixes.map(({ name }) => name)];
    return Object.fromEntries(names.map((name) => [name, given[`cotangent.${name}`]!]));
  }
  // before they are put back into the one-shot model's (float32) tensors
  const [step, head] = [programs.last('step-pullback').results, programs.last('head-pullback').results];
  return Object.fromEntries(body.map((name) => [name, step[name]!.map((x, i) => x + head[name]![i]!)]));
}

describe('the hand-made reverse equals the gradient of one unrolled graph, in float64', () => {
  test.each(table(() => true))('weights, architecture and head: %s', async (_, problem) => {
    const { configuration, task, parameters } = problem;
    const { result, runner, programs } = await referenceOf(problem);
    const { graphs } = networkOf(runner, problem, result);
    const body = graphs.adapted(task.size.way).slice(0, -2);
    const variables = [...body, ...graphs.mixes, ...graphs.headParameters(), ...graphs.rates];
    const shapes = new Map(variables.map(({ name, shape }) => [name, shape]));
    const graph = new Graph();
    const start: Weights = (name) => graph.input(name, shapes.get(name)!);
    const names = body.map(({ name }) => name);
    const loss = unrolledLoss({ graph, configuration, network: graphs.network, task, start, body: names });
    const gradients = gradient(
      loss,
      variables.map(({ name }) => start(name)),
    );
    const { given } = programs.last('head');
    const values = evaluate(
      [loss, ...gradients],
      widened({ ...parameters, ...taskInputs(task), ...only(given, [...shapes.keys()]) }),
    );
    const { 'inner.rates': toRates, ...expected } = Object.fromEntries(
      variables.map(({ name }, i): [string, Float64Array] => [name, values[i + 1]!]),
    );

    const head = programs.last('head-pullback').results;
    const actual = { ...head, ...pulledBack(programs, graphs, names) };
    const error = largestDistance(actual, expected);
    expect(values[0]![0]).toBeCloseTo(result.query.loss, 12);
    expect(error).toBeLessThan(1e-9);
    // collected in float32
    if (toRates) expect(distance(result.gradients, { 'inner.rates': toRates })).toBeLessThan(1e-6);
  });

  test.each(table(() => true))('and the unrolled graph of the training: %s', async (_, problem) => {
    const { configuration, task, parameters, options } = problem;
    const { result } = await referenceOf(problem);
    const { runner } = referenceRunner(configuration);
    const unrolled = await metaGradient(runner, parameters, task, options, unrolledGradient);
    expect(Object.keys(unrolled.gradients).sort()).toEqual(Object.keys(result.gradients).sort());
    expect(distance(unrolled.gradients, widened(result.gradients))).toBeLessThan(1e-6);
    expect(unrolled.query.loss).toBeCloseTo(result.query.loss, 12);
    expect(unrolled.query.accuracy).toBe(result.query.accuracy);
    expect(unrolled.support.after.loss).toBeCloseTo(result.support.after.loss, 12);
    expect(unrolled.support.before).toEqual(result.support.before);
  });

  test.each(table(({ stage }) => stage === 'search'))('all of Θ: %s', async (_, problem) => {
    const { configuration, task, parameters, options } = problem;
    const { gradients } = (await referenceOf(problem)).result;
    const graph = new Graph();
    const shapes = new Map(parameterSpecifications(configuration).map(({ name, shape }) => [name, shape]));
    const weights: Weights = (name) => graph.input(name, shapes.get(name)!);
    const { size } = configuration.image;
    const images = graph.input('support.images', [task.support.count, 3, size, size]);
    const targets = graph.input('support.targets', [task.support.count, task.size.way]);
    const { embedding, reconstruction } = encodeTask(configuration, images, targets, weights);
    const rows = cellNames.length * edgeCount(configuration.supernet.nodes);
    const mask = options.relaxation.mask ? graph.input('path.mask', [rows, operationNames.length]) : null;
    const temperature = graph.input('alpha.temperature', [1, 1]);
    const mixes = architectureInputs(
      configuration,
      architecture(configuration, embedding, { mask, temperature }, weights),
    );
    const modulated = modulate(configuration, embedding, weights);
    const start: Weights = (name) => mixes[name] ?? modulated[name] ?? weights(name);
    const body = Object.keys(modulated).filter((name) => name !== 'head.vector');
    const query = unrolledLoss({ graph, configuration, network: { kind: 'supernet' }, task, start, body });
    const loss = add(query, reshape(multiply(reconstruction(), options.reconstructionWeight), query.shape));
    const names = Object.keys(inputsOf([loss])).filter((name) => shapes.has(name));
    expect(Object.keys(gradients).sort()).toEqual(names.sort());

    const given = {
      ...parameters,
      ...taskInputs(task),
      ...relaxationInputs(options.relaxation),
    };
    const exact = evaluate(gradient(loss, names.map(weights)), widened(given));
    const error = largestDistance(gradients, Object.fromEntries(names.map((name, i) => [name, exact[i]!])));
    // not 1e-9: the runner hands the architecture over as float32, whatever evaluates the graphs
    expect(error).toBeLessThan(5e-6);
  });
});

describe.each(engineNames)('%s agrees with the float64 evaluation', (engine) => {
  const executor = executors[engine](100);
  afterAll(() => executor.dispose());
  // every other one with tfjs, which is one of each stage
  const own = table(() => true).filter((_, i) => engine === 'onnxruntime' || i % 2 === 1);

  test.each(own)('%s', async (_, problem) => {
    const { configuration, task, parameters, options } = problem;
    const exact = (await referenceOf(problem)).result;
    // small tasks: by the unrolled graph
    const actual = await metaGradient(new TaskRunner(configuration, executor), parameters, task, options);
    expect(actual.genotype).toEqual(exact.genotype);
    expect(Object.keys(actual.gradients).sort()).toEqual(Object.keys(exact.gradients).sort());
    for (const group of groups) {
      const error = distance(actual.gradients, widened(only(exact.gradients, namesOf(configuration, group))));
      expect(error, group).toBeLessThan(1e-4);
    }
    expect(actual.query.loss).toBeCloseTo(exact.query.loss, 5);
    expect(actual.support.before.loss).toBeCloseTo(exact.support.before.loss, 5);
    expect(actual.support.after.loss).toBeCloseTo(exact.support.after.loss, 5);
    expect(actual.reconstruction).toBeCloseTo(exact.reconstruction, 5);
  });
});
