import { describe, expect, it } from 'vitest';
import { inOneGraph, stepByStep } from '../../../model/adaptation/adapt-task.ts';
import { selectChild } from '../../../model/network/child.ts';
import type { Values } from '../../../model/graph/programs.ts';
import { adaptationFunction, fitNames } from '../../../model/inner-loop/unrolled-graphs.ts';
import { distance, widened } from '../../support/directional.ts';
import { noisyParameters, referenceRunner, smallConfiguration, smallTask } from '../../support/meta-task.ts';
import { supportInputs } from '../../../model/task/labelled-set.ts';

describe('the adaptation as one graph', () => {
  it.each(['prototype', 'shared', 'linear'] as const)(
    'is the inner steps one by one, in float64: %s head',
    async (head) => {
      const configuration = smallConfiguration({ nodes: 2, head, modulator: 'none' });
      const { support, size } = smallTask(configuration, 3, 5);
      const { runner } = referenceRunner(configuration);
      const parameters = noisyParameters(configuration, 5);
      const embedded = await runner.embed(parameters, support, size);
      const network = runner.child(runner.decode(embedded));
      const task = { network, mixes: {}, support, size };
      const trajectory: Values[] = [await runner.initialWeights(task, parameters, parameters)];
      const losses: number[] = [];
      for (let k = 0; k < 3; k++) {
        const { weights, fit } = await runner.innerStep(task, trajectory[k]!);
        trajectory.push(weights);
        losses.push(fit.loss);
      }
      for (const steps of [0, 3]) {
        const results = await runner.programs.run(
          `adaptation ${steps}`,
          () => adaptationFunction(network.graphs, size, steps),
          { ...parameters, ...selectChild(network.child!, parameters) },
          supportInputs(support),
        );
        const names = network.graphs.adapted(size.way).map(({ name }) => name);
        const own = Object.fromEntries(names.map((name) => [name, results[name]!]));
        const expected = Object.fromEntries(names.map((name) => [name, trajectory[steps]![name]!]));
        expect(distance(own, widened(expected))).toBeLessThan(1e-9);
        const { fit } = await runner.innerStep(task, trajectory[steps]!);
        expect(results['loss']![0]).toBeCloseTo(fit.loss, 10);
        losses.slice(0, steps).forEach((loss, k) => {
          expect(results[fitNames(k).loss]![0]).toBeCloseTo(loss, 10);
        });
      }
    },
  );

  it('gives what the service gets step by step when it is large: weights, statistics, features and fits', async () => {
    const configuration = smallConfiguration({ nodes: 2, modulator: 'none' });
    const { support, size } = smallTask(configuration, 3, 5);
    const { runner } = referenceRunner(configuration);
    const parameters = noisyParameters(configuration, 5);
    const embedded = await runner.embed(parameters, support, size);
    const network = runner.child(runner.decode(embedded));
    const start = { ...parameters, ...selectChild(network.child!, parameters) };
    const told: number[] = [];
    const onFit = (_: unknown, step: number): number => told.push(step);
    const adaptation = { set: support, size, steps: 3, onFit };
    const whole = await inOneGraph(runner, network, start, adaptation);
    const stepped = await stepByStep(runner, network, start, adaptation);
    expect(told).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
    stepped.fits.forEach(({ loss, accuracy }, k) => {
      expect(whole.fits[k]!.loss).toBeCloseTo(loss, 10);
      expect(whole.fits[k]!.accuracy).toBe(accuracy);
    });
    expect(Object.keys(stepped.weights)).toEqual(network.graphs.adapted(size.way).map(({ name }) => name));
    expect(Object.keys(stepped.statistics)).toEqual(
      expect.arrayContaining(['mean.stem.0', 'inverse.stem.0']),
    );
    expect(Object.keys(whole.statistics).sort()).toEqual(Object.keys(stepped.statistics).sort());
    const kept = (adapted: typeof whole): Values => ({
      ...adapted.weights,
      ...adapted.statistics,
      features: adapted.features,
    });
    expect(distance(kept(whole), widened(kept(stepped)))).toBeLessThan(1e-9);
  });
});
