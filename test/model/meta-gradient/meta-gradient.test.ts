import { afterAll, describe, expect, test } from 'vitest';
import { engineNames } from '../../../engine/options.ts';
import { embeddingGraph } from '../../../model/controller/embedding-graphs.ts';
import { stepRateValues } from '../../../model/inner-loop/rates.ts';
import { stepwiseGradient } from '../../../model/meta-gradient/inner-gradient.ts';
import { chooseNetwork, metaGradient } from '../../../model/meta-gradient/meta-gradient.ts';
import type { ParameterGroup } from '../../../model/layers/parameter-specification.ts';
import { TaskRunner } from '../../../model/inner-loop/task-runner.ts';
import { distance, expectDerivative, meanCrossEntropy, widened } from '../../support/directional.ts';
import type { Branched, Vectors } from '../../support/directional.ts';
import { executors } from '../../support/executors.ts';
import { referenceRunner } from '../../support/meta-task.ts';
import { asValues } from '../../support/reference-programs.ts';
import { namesOf, only, referenceOf, table } from '../../support/meta-problems.ts';
import { meanEntropy } from '../../support/mean-entropy.ts';
import type { Problem } from '../../support/meta-problems.ts';
import { noRelaxation } from '../../../model/controller/relaxation.ts';
import { slowUnless } from '../../support/slow.ts';

const groups: readonly ParameterGroup[] = ['encoder', 'controller', 'modulator', 'weights', 'head'];

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

/** The entropy of the architecture before path dropout; 0 where the problem has none in its loss. */
async function entropyOf(
  { task: { size, support }, options: { stage, relaxation } }: Problem,
  runner: TaskRunner,
  parameters: Record<string, Float32Array>,
): Promise<number> {
  if (stage !== 'search' || !relaxation.entropyWeight) return 0;
  return meanEntropy(
    (await runner.embed(parameters, support, size, { ...relaxation, mask: null })).modulated,
  );
}

/** L_val + β L_r, and the entropy's part, by the forward stages alone, in float64: what the meta-gradient is the gradient of. */
function forwardLoss(problem: Problem): (point: Vectors) => Promise<Branched> {
  const {
    configuration,
    task: { size, support, query },
    adapted,
    options,
  } = problem;
  const { runner, programs } = referenceRunner(configuration);
  return async (point) => {
    programs.takePattern();
    const parameters = asValues(point);
    const relaxation = options.stage === 'search' ? options.relaxation : noRelaxation;
    const embedded = await runner.embed(parameters, support, size, relaxation);
    const reconstruction = embedded.architecture ? await reconstructionLoss(problem, runner, parameters) : 0;
    const entropy = await entropyOf(problem, runner, parameters);
    const { network, mixes: rounded } = chooseNetwork(runner, embedded, options.stage);
    const mixes = only(embedded.modulated, Object.keys(rounded));
    const onNetwork = { network, mixes, support: adapted.support, size: adapted.size };
    let weights = await runner.initialWeights(onNetwork, parameters, embedded.modulated);
    const { statistics } = configuration.normalization;
    for (let k = 0; k < configuration.innerLoop.steps; k++) {
      const rates = stepRateValues(configuration, parameters, k);
      weights = (await runner.innerStep(onNetwork, weights, rates)).weights;
    }
    const logits = await runner.queryLogits(onNetwork, weights, query, statistics);
    return {
      value:
        meanCrossEntropy(logits, query.targets, size.way) +
        options.reconstructionWeight * reconstruction +
        (options.relaxation.entropyWeight ?? 0) * entropy,
      pattern: programs.takePattern(),
    };
  };
}

describe('the meta-gradient is the derivative of the query loss after five inner steps, in float64', () => {
  // `tune` is a straight-through estimator, and what leaves steps out no derivative either
  for (const [name, run, problem] of table(
    ({ stage, exactSteps }) => stage !== 'tune' && exactSteps === undefined,
  ))
    test(name, run, async () => {
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
        await expectDerivative(f, own, { point, pattern, names, seed: 100 * seed, what: group });
      }
    });
});

describe('with a fixed encoder all but its own gradient is the same', () => {
  const own = table(
    ({ stage, steps, exactSteps }) => stage === 'retrain' && steps === undefined && exactSteps === undefined,
  );
  for (const [name, run, problem] of own)
    test(name, run, async () => {
      const { configuration, task, parameters, options } = problem;
      const { result, runner } = await referenceOf(problem);
      const fixed = { ...options, fixedEncoder: true };
      const { gradients, reconstruction } = await metaGradient(
        runner,
        parameters,
        task,
        fixed,
        stepwiseGradient,
      );
      const without = Object.keys(result.gradients).filter(
        (name) => !namesOf(configuration, 'encoder').includes(name),
      );
      expect(Object.keys(gradients).sort()).toEqual(without.sort());
      expect(distance(gradients, widened(only(result.gradients, without)))).toBeLessThan(1e-6);
      expect(reconstruction).toBe(0);
    });
});

describe.each(engineNames)('%s agrees with the float64 evaluation', (engine) => {
  const executor = executors[engine](100);
  afterAll(() => executor.dispose());
  // every other one with tfjs, which is one of each stage
  const own = table(() => true).filter((_, i) => engine === 'onnxruntime' || i % 2 === 1);
  // supernets take longest to compile and to interpret: one by onnxruntime is enough for every day. What engines differ in
  // is each of their operations (test/engine/): of tfjs one child and one conv4 are enough
  const isDaily = ({ always = false, stage, encoder, rates, network, head }: Problem['entry']): boolean =>
    always &&
    (engine === 'onnxruntime'
      ? stage === 'retrain' || encoder === 'bidirectional'
      : stage === 'retrain' && (rates === 'learned' || (network === 'conv4' && head === 'linear')));

  for (const [name, , problem] of own)
    test(name, slowUnless(isDaily(problem.entry)), async () => {
      const { configuration, task, parameters, options } = problem;
      const exact = (await referenceOf(problem)).result;
      // small tasks: by the unrolled graph
      const actual = await metaGradient(new TaskRunner(configuration, executor), parameters, task, options);
      expect(actual.genotype).toEqual(exact.genotype);
      expect(Object.keys(actual.gradients).sort()).toEqual(Object.keys(exact.gradients).sort());
      for (const group of groups) {
        const error = distance(
          actual.gradients,
          widened(only(exact.gradients, namesOf(configuration, group))),
        );
        expect(error, group).toBeLessThan(1e-4);
      }
      expect(actual.query.loss).toBeCloseTo(exact.query.loss, 5);
      for (const when of ['before', 'after'] as const) {
        if (problem.entry.steps === 0) expect(actual.support).toBeNull();
        else expect(actual.support![when].loss).toBeCloseTo(exact.support![when].loss, 5);
      }
      expect(actual.reconstruction).toBeCloseTo(exact.reconstruction, 5);
    });
});
