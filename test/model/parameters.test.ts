import { describe, expect, test } from 'vitest';
import { parseModelConfiguration } from '../../model/configuration.ts';
import { sizeOf } from '../../model/graph/shapes.ts';
import { initialParameters, parameterSpecifications } from '../../model/parameters.ts';
import type { ParameterSpecification } from '../../model/layers/parameter-specification.ts';
import { keyFrom } from '../../model/random.ts';
import { TaskGraphs } from '../../model/inner-loop/step-graphs.ts';
import { cellGeometry } from '../../model/search-space/geometry.ts';
import { featureCount, weightSpecifications } from '../../model/network/weights.ts';
import { modulationCount } from '../../model/controller/modulator.ts';

const count = (specifications: readonly ParameterSpecification[]): number =>
  specifications.reduce((total, { shape }) => total + sizeOf(shape), 0);

const standard = parseModelConfiguration({});

describe('sizes of the default configuration', () => {
  test('the supernet with a 5-way head has 201,032 weights, and the head 5 biases', () => {
    expect(count(weightSpecifications(standard)) + 5 * featureCount(standard)).toBe(201_032);
    const adapted = new TaskGraphs(standard, { kind: 'supernet' }).adapted(5);
    expect(adapted.reduce((total, { shape }) => total + sizeOf(shape), 0)).toBe(201_037);
  });

  test('the planes of both cells', () => {
    expect(cellGeometry(standard)).toMatchObject({
      normal: { channels: 16, inputs: [48, 48], side: 10, outputSide: 10 },
      reduction: { channels: 32, inputs: [48, 64], side: 10, outputSide: 5 },
    });
  });
});

describe('parameterSpecifications', () => {
  const kinds = (['channel', 'full', 'none'] as const).flatMap((modulator) =>
    [{ kind: 'prototype' }, { kind: 'shared' }, { kind: 'linear', outputs: 5 }].map((head) => ({
      modulator: { kind: modulator },
      head,
    })),
  );

  test.each(kinds)(
    '$modulator.kind modulator, $head.kind head: unique names, one factor a modulated part',
    (kind) => {
      const configuration = parseModelConfiguration(kind);
      const all = parameterSpecifications(configuration);
      expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
      const modulator = all.find(({ name }) => name === 'modulator.weight');
      expect(modulator?.shape[1] ?? 0).toBe(modulationCount(configuration));
      if (kind.modulator.kind === 'full')
        expect(modulationCount(configuration)).toBe(count(weightSpecifications(configuration)));
      expect(all.some(({ name }) => name === 'head.scale')).toBe(kind.head.kind === 'prototype');
      expect(all.some(({ name }) => name === 'head.vector')).toBe(kind.head.kind === 'shared');
      expect(all.some(({ name }) => name === 'head.outputs')).toBe(kind.head.kind === 'linear');
    },
  );

  test('every modulation factor broadcasts to its weight', () => {
    for (const { shape, modulation } of weightSpecifications(standard)) {
      expect(modulation).toHaveLength(shape.length);
      modulation?.forEach((axis, i) => expect([1, shape[i]]).toContain(axis));
    }
  });
});

describe('initialParameters', () => {
  const parameters = initialParameters(standard, keyFrom(5));

  test('fit their specifications and have the given deviation', () => {
    for (const { name, shape, deviation, mean } of parameterSpecifications(standard)) {
      const values = parameters[name]!;
      expect(values).toHaveLength(sizeOf(shape));
      if (deviation === 0) expect(values.every((x) => x === Math.fround(mean))).toBe(true);
      else if (values.length >= 500) {
        const found = Math.sqrt(values.reduce((total, x) => total + (x - mean) ** 2, 0) / values.length);
        expect(Math.abs(found / deviation - 1)).toBeLessThan(5 / Math.sqrt(2 * values.length));
      }
    }
  });

  test('a tensor depends on the key and its own name, not on the rest of the configuration', () => {
    const other = initialParameters(parseModelConfiguration({ controller: { kind: 'shared' } }), keyFrom(5));
    expect(other['stem.1']).toEqual(parameters['stem.1']);
    expect(initialParameters(standard, keyFrom(6))['stem.1']).not.toEqual(parameters['stem.1']);
    expect(parameters['normal.0.sep3.first']).not.toEqual(parameters['normal.0.dil3.first']);
  });

  test('a new modulator is neutral: its weights and biases are zero, so τ = 2σ(0) = 1', () => {
    expect(parameters['modulator.weight']!.every((x) => x === 0)).toBe(true);
    expect(parameters['modulator.bias']!.every((x) => x === 0)).toBe(true);
  });
});
