import { describe, expect, it } from 'vitest';
import { parseModelConfiguration } from '../../../model/configuration.ts';
import type { ModelConfiguration } from '../../../model/configuration.ts';
import { conditionsOf, conditionSpecifications } from '../../../model/controller/conditions.ts';
import { Graph } from '../../../model/graph/graph.ts';
import { evaluate } from '../../../model/graph/reference/interpreter.ts';
import { smallTrunkConfiguration } from '../../support/trunk-task.ts';

const start = { cells: 4, a: 1, b: 2 };
const bound = 0.5;

function withShares(shares: NonNullable<ModelConfiguration['trunk']>['shares']): ModelConfiguration {
  const configuration = smallTrunkConfiguration();
  return parseModelConfiguration({ ...configuration, trunk: { ...configuration.trunk, shares } });
}

/** The logarithms of the shares of a task whose embedding and layers are `size` everywhere. */
function logarithms(configuration: ModelConfiguration, size: number): number[] {
  const graph = new Graph();
  const { state } = configuration.encoder;
  const layers = conditionSpecifications(configuration);
  const weights = (name: string) => {
    const { shape } = layers.find((layer) => layer.name === name)!;
    return graph.constant([name.endsWith('weight') ? size : 0], shape);
  };
  const embedding = graph.constant([1], [1, state]);
  const { shares } = conditionsOf(configuration, embedding, { way: 5, support: 5 }, weights);
  return [...evaluate([shares!], {})[0]!];
}

describe('the shares of a task', () => {
  it('start where the configuration says, and from 1 where it says nothing', () => {
    const found = logarithms(withShares({ start, bound }), 0);
    const expected = [4, 1, 2, 1].map(Math.log); // cells, a, b, c
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));
  });

  it('stay within the bound, however far an embedding is from all others', () => {
    const found = logarithms(withShares({ start, bound }), 1e3);
    const expected = [4, 1, 2, 1].map((share) => Math.log(share) + bound);
    found.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 12));
  });

  it('are without bound where none is given', () => {
    expect(Math.min(...logarithms(smallTrunkConfiguration(), 1e3))).toBeGreaterThan(1e3);
  });

  it('name sources alone', () => {
    expect(() => withShares({ start: { d: 1 }, bound })).toThrow(/neither cells nor a tap/);
  });
});
