import { describe, expect, test } from 'vitest';
import {
  architecture,
  architectureEntropy,
  architectureInputs,
} from '../../../model/controller/architecture.ts';
import { encodeTask } from '../../../model/embedding/image-encoder.ts';
import { cellNames, edgeCount, operationNames } from '../../../model/search-space/genotype.ts';
import { gradient } from '../../../model/graph/gradient.ts';
import { Graph, inputsOf } from '../../../model/graph/graph.ts';
import { add, multiply, reshape } from '../../../model/graph/operations.ts';
import { evaluate } from '../../../model/graph/reference/interpreter.ts';
import type { Weights } from '../../../model/graph/weights.ts';
import type { TaskGraphs } from '../../../model/inner-loop/step-graphs.ts';
import { metaGradient } from '../../../model/meta-gradient/meta-gradient.ts';
import { unrolledGradient } from '../../../model/meta-gradient/inner-gradient.ts';
import type { MetaGradient } from '../../../model/meta-gradient/meta-gradient.ts';
import { parameterSpecifications } from '../../../model/parameters.ts';
import type { TaskNetwork, TaskRunner } from '../../../model/inner-loop/task-runner.ts';
import { distance, largestDistance, widened } from '../../support/directional.ts';
import { referenceRunner } from '../../support/meta-task.ts';
import type { ReferencePrograms } from '../../support/reference-programs.ts';
import { taskInputs, unrolledLoss } from '../../support/unrolled.ts';
import { only, referenceOf, table } from '../../support/meta-problems.ts';
import type { Problem } from '../../support/meta-problems.ts';
import { modulate } from '../../../model/controller/modulator.ts';
import { relaxationInputs } from '../../../model/controller/relaxation.ts';

function networkOf(runner: TaskRunner, { options }: Problem, { genotype }: MetaGradient): TaskNetwork {
  if (!genotype) return runner.conv4();
  return options.stage === 'retrain' ? runner.child(genotype) : runner.supernet();
}

/** The hand-made reverse's gradients of the network's weights and of the architecture. */
function pulledBack(
  programs: ReferencePrograms,
  { network, mixes, configuration }: TaskGraphs,
  body: readonly string[],
): Record<string, Float32Array> {
  if (network.kind === 'supernet') {
    const { given } = programs.last('embedding-pullback');
    const names = [...body, ...mixes.map(({ name }) => name)];
    return Object.fromEntries(names.map((name) => [name, given[`cotangent.${name}`]!]));
  }
  // before they are put back into the one-shot model's (float32) tensors
  const last = configuration.innerLoop.steps === 0 ? 'query-gradient' : 'inner-step-pullback';
  const [step, head] = [programs.last(last).results, programs.last('head-pullback').results];
  return Object.fromEntries(body.map((name) => [name, step[name]!.map((x, i) => x + head[name]![i]!)]));
}

describe('the hand-made reverse equals the gradient of one unrolled graph, in float64', () => {
  for (const [name, run, problem] of table(() => true))
    test(`weights, architecture and head: ${name}`, run, async () => {
      const { configuration, adapted: task, parameters } = problem;
      const { result, runner, programs } = await referenceOf(problem);
      const { graphs } = networkOf(runner, problem, result);
      const { body } = graphs;
      const variables = [...body, ...graphs.mixes, ...graphs.headParameters, ...graphs.rates];
      const shapes = new Map(variables.map(({ name, shape }) => [name, shape]));
      const graph = new Graph();
      const start: Weights = (name) => graph.input(name, shapes.get(name)!);
      const names = body.map(({ name }) => name);
      const loss = unrolledLoss({
        graph,
        configuration,
        network: graphs.network,
        task,
        start,
        body: names,
      });
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

  for (const [name, run, problem] of table(() => true))
    test(`and the unrolled graph of the training: ${name}`, run, async () => {
      const { configuration, task, parameters, options } = problem;
      const { result } = await referenceOf(problem);
      const { runner } = referenceRunner(configuration);
      const unrolled = await metaGradient(runner, parameters, task, options, unrolledGradient);
      expect(Object.keys(unrolled.gradients).sort()).toEqual(Object.keys(result.gradients).sort());
      expect(distance(unrolled.gradients, widened(result.gradients))).toBeLessThan(1e-6);
      expect(unrolled.query.loss).toBeCloseTo(result.query.loss, 12);
      expect(unrolled.query.accuracy).toBe(result.query.accuracy);
      expect(unrolled.support?.after.accuracy).toBe(result.support?.after.accuracy);
      if (result.support) expect(unrolled.support!.after.loss).toBeCloseTo(result.support.after.loss, 12);
      expect(unrolled.support?.before).toEqual(result.support?.before);
    });

  for (const [name, run, problem] of table(({ stage }) => stage === 'search'))
    test(`all of Θ: ${name}`, run, async () => {
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
      const alphaTemperature = graph.input('alpha.temperature', [1, 1]);
      const relaxed = architecture(configuration, embedding, { mask, alphaTemperature }, weights);
      const mixes = architectureInputs(configuration, relaxed.alpha);
      const modulated = modulate(configuration, embedding, weights);
      const start: Weights = (name) => mixes[name] ?? modulated[name] ?? weights(name);
      const body = Object.keys(modulated).filter((name) => name !== 'head.vector');
      const network = { kind: 'supernet' } as const;
      const outer = unrolledLoss({ graph, configuration, network, task, start, body });
      const beside = add(
        reshape(multiply(reconstruction(), options.reconstructionWeight), outer.shape),
        reshape(multiply(architectureEntropy(relaxed), options.relaxation.entropyWeight ?? 0), outer.shape),
      );
      const loss = add(outer, beside);
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
