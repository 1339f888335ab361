import { expect, test } from 'vitest';
import {
  choiceGradient,
  choiceMargin,
  choiceTemperature,
} from '../../../model/meta-gradient/choice-gradient.ts';
import { parseGenotypeKey, strengthOf } from '../../../model/search-space/genotype.ts';
import { TaskRunner } from '../../../model/inner-loop/task-runner.ts';
import { firstViews } from '../../../model/task/viewed-task.ts';
import { expectDerivative, widened } from '../../support/directional.ts';
import type { Branched, Vectors } from '../../support/directional.ts';
import { namesOf, only } from '../../support/meta-problems.ts';
import { noisyParameters } from '../../support/meta-task.ts';
import { asValues, compilesNothing, ReferencePrograms } from '../../support/reference-programs.ts';
import { smallTrunkConfiguration, smallTrunkTask } from '../../support/trunk-task.ts';

const configuration = smallTrunkConfiguration();
const { nodes } = configuration.supernet;
const task = smallTrunkTask(configuration, { way: 2, shot: 2, views: 1, seed: 5 });
const size = { way: 2, support: task.support.count };
/** Of different operations and depths. */
const genotypes = [
  '0s1s.0s1s/0s1s.0s1s/a,b,c+a,b,c',
  '0s1i.0s1s/0s1s.0i1s/a,b,b+a,b',
  '0s1s.0i1s/0s1s.0s1s/a,a,a+a',
].map(parseGenotypeKey);
const fits = [
  { loss: 0.9, accuracy: 0.5 },
  { loss: 0.2, accuracy: 0.9 },
  { loss: 0.6, accuracy: 0.7 },
];

function choosing() {
  const programs = new ReferencePrograms();
  return { programs, runner: new TaskRunner(configuration, compilesNothing, genotypes, programs) };
}

/** The loss that is expected when an architecture is drawn by its strength, in float64. */
async function expectedLoss(point: Vectors): Promise<Branched> {
  const { runner, programs } = choosing();
  programs.takePattern();
  const { architecture } = await runner.embed(asValues(point), firstViews(task.support), size);
  const weights = genotypes.map((own) => Math.exp(strengthOf(architecture!, own, nodes) / choiceTemperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const value = weights.reduce(
    (sum, weight, i) => sum + (weight / total) * (fits[i]!.loss + (i === 0 ? 0 : choiceMargin)),
    0,
  );
  return { value, pattern: programs.takePattern() };
}

test('is the derivative of the expected loss, in float64, and of the controller alone', async () => {
  const parameters = noisyParameters(configuration, 3);
  const { runner } = choosing();
  const embedded = await runner.embed(parameters, firstViews(task.support), size);
  const { gradients, query, genotype } = await choiceGradient(runner, parameters, embedded, fits);
  const names = namesOf(configuration, 'controller');
  expect(Object.keys(gradients).sort()).toEqual([...names].sort());
  const point = widened(parameters);
  const { value, pattern } = await expectedLoss(point);
  // what is told is without the margin
  expect(query.loss).toBeLessThan(value);
  expect(query.loss).toBeGreaterThan(value - choiceMargin);
  expect(genotype).toEqual(runner.decode(embedded));
  const own = only(gradients, names);
  await expectDerivative(expectedLoss, own, { point, pattern, names, seed: 7, what: 'controller' });
});

test('following it makes the architecture of the least loss the chosen one', async () => {
  let parameters: Record<string, Float32Array> = noisyParameters(configuration, 3);
  const { runner } = choosing();
  for (let step = 0; step < 60; step++) {
    const embedded = await runner.embed(parameters, firstViews(task.support), size);
    const { gradients, query } = await choiceGradient(runner, parameters, embedded, fits);
    parameters = Object.fromEntries(
      Object.entries(parameters).map(([name, values]) => {
        const gradient = gradients[name];
        return [name, gradient ? values.map((x, i) => x - 0.3 * gradient[i]!) : values];
      }),
    );
    if (step === 59) {
      expect(query.loss).toBeLessThan(0.3);
      expect(runner.decode(embedded)).toEqual(genotypes[1]);
    }
  }
});

test('needs something to choose among', async () => {
  const parameters = noisyParameters(configuration, 3);
  const { runner, programs } = choosing();
  const embedded = await runner.embed(parameters, firstViews(task.support), size);
  const one = new TaskRunner(configuration, compilesNothing, genotypes.slice(0, 1), programs);
  await expect(choiceGradient(one, parameters, embedded, fits.slice(0, 1))).rejects.toThrow(RangeError);
});
