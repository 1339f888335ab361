import { describe, expect, it } from 'vitest';
import { Graph } from '../../../../model/graph/graph.ts';
import type { Tensor } from '../../../../model/graph/primitives.ts';
import { evaluate } from '../../../../model/graph/reference/interpreter.ts';
import { drawParameters } from '../../../../model/layers/parameter-specification.ts';
import { keyFrom } from '../../../../model/random.ts';
import { cellNetwork, cellSpecifications } from '../../../../model/regression/cell.ts';
import { regressionConfigurationSchema } from '../../../../model/regression/configuration.ts';
import { predictionFunction } from '../../../../model/regression/graphs.ts';
import { finalTraining } from '../../../../model/regression/mnas.ts';
import { normalizationBy } from '../../../../model/regression/normalization.ts';
import { batchOf } from '../../../../training/studies/toy/batch.ts';
import { drawTask } from '../../../../training/studies/toy/families.ts';
import { mumomaml } from '../../../../training/studies/toy/methods/mumomaml.ts';
import type { ModulatedPlace } from '../../../../training/studies/toy/methods/mumomaml.ts';
import { randomArray } from '../../../support/random.ts';

describe('MUMOMAML', () => {
  const size = { tasks: 1, support: 4, query: 3 };
  const learner = { layers: 2, width: 3, steps: 0, learningRate: 0.1, rates: 'fixed' } as const;

  // γ + 1 = 0 and β = -1 in both layers
  function answers(modulated: ModulatedPlace): number[] {
    const encoder = { kind: 'recurrent', features: 3, state: 4 } as const;
    const method = mumomaml(learner, encoder, modulated, finalTraining);
    const drawn = drawParameters(method.parameters, keyFrom(1));
    const parameters = {
      ...drawn,
      'modulator.weight': drawn['modulator.weight']!.map(() => 0),
      'modulator.bias': drawn['modulator.bias']!.map(() => -1),
      'layer.2.weight': Float32Array.of(1, 2, 4),
      'layer.2.bias': Float32Array.of(0.25),
    };
    const task = drawTask(keyFrom(2), { xStd: 1, query: 'same' }, size);
    const given = Object.entries({ ...parameters, ...batchOf([task], 'drawn') });
    const point = Object.fromEntries(given.map(([name, values]) => [name, Float64Array.from(values)]));
    const [predictions] = evaluate([predictionFunction(method, size).outputs['predictions']!], point);
    return [...predictions!];
  }

  it('modulates what a ReLU is given, as its public code does: it gives 0 for -1', () => {
    expect(answers('linear')).toEqual([0.25, 0.25, 0.25]);
  });

  it('may modulate what a ReLU gives: -1 stays', () => {
    expect(answers('activated')).toEqual([-6.75, -6.75, -6.75]);
  });
});

describe('the affine part of the normalisation of a cell', () => {
  const configured = (normalization: 'none' | 'batch') =>
    regressionConfigurationSchema.parse({ cell: { width: 3, nodes: 2 }, normalization });

  it('belongs to every linear operation, where there is a normalisation', () => {
    const names = (normalization: 'none' | 'batch'): string[] =>
      cellSpecifications(configured(normalization)).map(({ name }) => name);
    const layers = ['stem', ...[0, 1, 2].map((source) => `edges.${source}`)];
    const affine = layers.flatMap((layer) => [`${layer}.gain`, `${layer}.offset`]);
    expect(names('batch').filter((name) => !names('none').includes(name))).toEqual(affine);
  });

  it('scales and shifts what was normalised, and begins neutral', () => {
    const configuration = configured('batch');
    const specifications = cellSpecifications(configuration);
    const graph = new Graph();
    const input = (name: string, shape: readonly number[]): Tensor => graph.input(name, shape);
    const weights = (name: string): Tensor =>
      input(name, [1, ...specifications.find((own) => own.name === name)!.shape]);
    const alpha = input('alpha', [1, 5, 3]);
    const output = cellNetwork(configuration, input('x', [1, 4, 1]), weights, alpha, normalizationBy(4));
    const drawn = Object.entries(drawParameters(specifications, keyFrom(3)));
    const point: Readonly<Record<string, Float64Array>> = {
      ...Object.fromEntries(drawn.map(([name, values]) => [name, Float64Array.from(values)])),
      x: randomArray(4, 5),
      alpha: randomArray(15, 6),
    };
    const at = (change: Readonly<Record<string, Float64Array>>): Float64Array =>
      evaluate([output], { ...point, ...change })[0]!;
    expect(point['stem.gain']).toEqual(Float64Array.of(1, 1, 1));
    expect(point['stem.offset']).toEqual(Float64Array.of(0, 0, 0));
    // without gain the stem gives its offset alone, so that no x tells from another
    const level = at({ 'stem.gain': new Float64Array(3), 'stem.offset': Float64Array.of(1, 2, 3) });
    expect(Math.max(...level) - Math.min(...level)).toBeLessThan(1e-9);
    expect(at({})).not.toEqual(level);
  });
});
