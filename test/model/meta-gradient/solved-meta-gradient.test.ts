import { afterAll, describe, expect, test } from 'vitest';
import { startValues } from '../../../model/inner-loop/solved-network.ts';
import { TaskRunner } from '../../../model/inner-loop/task-runner.ts';
import type { ParameterGroup } from '../../../model/layers/parameter-specification.ts';
import { chooseSolved, solvedMetaGradient } from '../../../model/meta-gradient/solved-meta-gradient.ts';
import type { MetaGradientOptions } from '../../../model/meta-gradient/meta-gradient.ts';
import type { ModelConfiguration, Stage } from '../../../model/configuration.ts';
import { distance, expectDerivative, meanCrossEntropy, widened } from '../../support/directional.ts';
import type { Branched, Vectors } from '../../support/directional.ts';
import { executors } from '../../support/executors.ts';
import { namesOf, only } from '../../support/meta-problems.ts';
import { noisyParameters, referenceRunner } from '../../support/meta-task.ts';
import { slowUnless } from '../../support/slow.ts';
import { asValues } from '../../support/reference-programs.ts';
import { meanEntropy } from '../../support/mean-entropy.ts';
import { smallTrunkConfiguration, smallTrunkTask } from '../../support/trunk-task.ts';
import { joined, supportInputs } from '../../../model/task/labelled-set.ts';
import { firstViews, viewedSize } from '../../../model/task/viewed-task.ts';
import type { ViewedTask } from '../../../model/task/viewed-task.ts';

interface Case {
  readonly stage: Stage;
  readonly shot: number;
  readonly views: number;
  readonly rates?: 'fixed' | 'learned';
  readonly modulator?: 'none' | 'channel';
  readonly entropyWeight?: number;
}

/** Every stage, one shot with views against views, several shots with leaving out, fixed rates, no modulation. */
const cases: readonly Case[] = [
  { stage: 'search', shot: 2, views: 2, entropyWeight: 0.3 },
  { stage: 'retrain', shot: 2, views: 1 },
  { stage: 'retrain', shot: 1, views: 3 },
  { stage: 'retrain', shot: 2, views: 2, rates: 'fixed', modulator: 'none' },
];

const optionsOf = ({ stage, entropyWeight = 0 }: Case): MetaGradientOptions => ({
  stage,
  reconstructionWeight: 0,
  relaxation: { mask: null, alphaTemperature: 1, entropyWeight },
});

function problemOf(entry: Case): {
  configuration: ModelConfiguration;
  task: ViewedTask;
  parameters: Record<string, Float32Array>;
  options: MetaGradientOptions;
} {
  const { shot, views, rates = 'learned', modulator = 'channel' } = entry;
  const configuration = smallTrunkConfiguration({ rates, modulator });
  const task = smallTrunkTask(configuration, { way: 2, shot, views, seed: 5 });
  return { configuration, task, parameters: noisyParameters(configuration, 3), options: optionsOf(entry) };
}

/** The query set's loss, and the entropy's part, by the graphs of the service: one step after the other, then the answers. */
function forwardLoss(entry: Case): (point: Vectors) => Promise<Branched & { undecided: number }> {
  const { entropyWeight = 0 } = entry;
  const { configuration, task, options } = problemOf(entry);
  const { runner, programs } = referenceRunner(configuration);
  const { support, query, way } = task;
  const size = viewedSize(task);
  return async (point) => {
    programs.takePattern();
    const parameters = asValues(point);
    const seen = { way, support: support.count };
    const embedded = await runner.embed(parameters, firstViews(support), seen, options.relaxation);
    const { network, mixes: rounded } = chooseSolved(runner, embedded, options.stage);
    const mixes = only(embedded.modulated, Object.keys(rounded));
    const { graphs } = network;
    let values = { ...startValues(network, parameters, embedded.modulated), ...mixes };
    const rates = values['inner.rates'];
    for (let k = 0; k < configuration.innerLoop.steps; k++) {
      const width = rates ? rates.length / configuration.innerLoop.steps : 0;
      const row = rates ? { 'step.rates': rates.subarray(k * width, (k + 1) * width) } : {};
      const stepped = await programs.run(
        'step',
        () => graphs.step(size),
        values,
        row,
        supportInputs(support),
      );
      values = { ...values, ...stepped };
    }
    const asked = { images: query.count, views: query.views };
    const { logits } = await programs.run('query', () => graphs.query(size, asked), values, {
      'both.images': joined(support.images, query.images),
      'support.targets': support.targets,
    });
    const undecided = entropyWeight > 0 ? entropyWeight * meanEntropy(embedded.modulated) : 0;
    const value = meanCrossEntropy(logits!, query.targets, way) + undecided;
    return { value, undecided, pattern: programs.takePattern() };
  };
}

const groups: readonly ParameterGroup[] = ['encoder', 'controller', 'modulator', 'conditions', 'weights'];

const nameOf = (entry: Case): string => JSON.stringify(entry).replaceAll('"', '');

describe('on a trunk the meta-gradient is the derivative of the query loss after the steps, in float64', () => {
  test.each(cases.map((entry) => [nameOf(entry), entry] as const))('%s', async (_, entry) => {
    const { configuration, task, parameters, options } = problemOf(entry);
    const { runner } = referenceRunner(configuration);
    const result = await solvedMetaGradient(runner, parameters, task, options);
    const f = forwardLoss(entry);
    const point = widened(parameters);
    const { pattern, value, undecided } = await f(point);
    expect(result.query.loss + undecided).toBeCloseTo(value, 8);
    for (const group of groups) {
      const names = namesOf(configuration, group);
      if (names.length === 0) continue;
      const own = only(result.gradients, names);
      const isFixed = group === 'controller' && entry.stage === 'retrain';
      expect(Object.keys(own)).toHaveLength(isFixed ? 0 : names.length);
      if (isFixed) continue;
      await expectDerivative(f, own, { point, pattern, names, seed: 100, what: group });
    }
  });
});

describe('onnxruntime agrees with the float64 evaluation on a trunk', () => {
  const executor = executors.onnxruntime(100);
  afterAll(() => executor.dispose());

  // the search's graph takes longest to compile
  for (const entry of cases)
    test(nameOf(entry), slowUnless(entry.stage === 'retrain' && entry.rates === undefined), async () => {
      const { configuration, task, parameters, options } = problemOf(entry);
      const exact = await solvedMetaGradient(
        referenceRunner(configuration).runner,
        parameters,
        task,
        options,
      );
      const runner = new TaskRunner(configuration, executor);
      const actual = await solvedMetaGradient(runner, parameters, task, options);
      expect(actual.genotype).toEqual(exact.genotype);
      expect(Object.keys(actual.gradients).sort()).toEqual(Object.keys(exact.gradients).sort());
      expect(distance(actual.gradients, widened(exact.gradients))).toBeLessThan(1e-4);
      expect(actual.query.loss).toBeCloseTo(exact.query.loss, 5);
      expect(actual.support!.after.loss).toBeCloseTo(exact.support!.after.loss, 5);
    });
});
