import { describe, expect, it } from 'vitest';
import { familiarDistance, isFamiliar } from '../../../model/controller/familiar-kinds.ts';
import { TaskRunner } from '../../../model/inner-loop/task-runner.ts';
import { initialParameters, parameterSpecifications } from '../../../model/parameters.ts';
import { keyFrom } from '../../../model/random.ts';
import { genotypeKey, oneHot, parseGenotypeKey } from '../../../model/search-space/genotype.ts';
import { firstViews } from '../../../model/task/viewed-task.ts';
import { compilesNothing, ReferencePrograms } from '../../support/reference-programs.ts';
import { smallTrunkConfiguration, smallTrunkTask } from '../../support/trunk-task.ts';

const plain = smallTrunkConfiguration();
const configuration = { ...plain, controller: { ...plain.controller, kinds: 2 } };
const { state } = configuration.encoder;
const genotypes = ['0s1s.0s1s/0s1s.0s1s/a,b,c+a,b,c', '0s1s.0i1s/0s1s.0s1s/a,a,a+a'].map(parseGenotypeKey);

/** Kinds around two places, as wide as 0.5 and 2 in every dimension. */
function kinds(first: number, second: number) {
  const rows = (values: readonly [number, number]): Float32Array =>
    Float32Array.from({ length: 2 * state }, (_, i) => values[i < state ? 0 : 1]);
  return { 'familiar.center': rows([first, second]), 'familiar.inverse': rows([2, 0.5]) };
}

const at = (value: number): Float32Array => new Float32Array(state).fill(value);

describe('a task is familiar', () => {
  const parameters = kinds(0, 10);

  it('within the distance from a kind, in deviations of that kind', () => {
    const reach = Math.sqrt(familiarDistance);
    for (const [center, deviation] of [
      [0, 0.5],
      [10, 2],
    ] as const) {
      expect(isFamiliar(configuration, parameters, at(center))).toBe(true);
      expect(isFamiliar(configuration, parameters, at(center + 0.99 * reach * deviation))).toBe(true);
      expect(isFamiliar(configuration, parameters, at(center - 1.01 * reach * deviation))).toBe(false);
    }
    expect(isFamiliar(configuration, parameters, at(3))).toBe(false); // between both
  });

  it('by the mean over the dimensions: one of them may lie far out', () => {
    const far = at(0);
    far[0] = 0.99 * 0.5 * Math.sqrt(familiarDistance * state);
    expect(isFamiliar(configuration, parameters, far)).toBe(true);
    far[0] = 1.01 * 0.5 * Math.sqrt(familiarDistance * state);
    expect(isFamiliar(configuration, parameters, far)).toBe(false);
  });

  it('always, of a model that names no kinds, and before they are fitted', () => {
    expect(isFamiliar(plain, {}, at(1000))).toBe(true);
    expect(isFamiliar(configuration, initialParameters(configuration, keyFrom(1)), at(1000))).toBe(true);
  });
});

it('a model without kinds has no tensor for them', () => {
  const named = parameterSpecifications(plain).filter(({ name }) => name.startsWith('familiar.'));
  expect(named).toEqual([]);
});

describe('the architecture of a task', () => {
  const { nodes } = configuration.supernet;
  const runner = new TaskRunner(configuration, compilesNothing, genotypes, new ReferencePrograms());
  const [first, second] = genotypes as [(typeof genotypes)[0], (typeof genotypes)[0]];
  const architecture = oneHot(second, nodes);

  it("is the controller's where it is familiar, else the first one that it may have", () => {
    expect(runner.decode({ architecture, familiar: true })).toBe(second);
    expect(runner.decode({ architecture, familiar: false })).toBe(first);
    expect(runner.decode({ architecture, familiar: false }, [second])).toBe(second);
  });

  it('is decoded where there is none to choose', () => {
    const free = new TaskRunner(configuration, compilesNothing, [], new ReferencePrograms());
    const { taps, ...cells } = free.decode({ architecture, familiar: false });
    expect(genotypeKey(cells)).toBe(genotypeKey({ normal: second.normal, reduction: second.reduction }));
    expect(taps).toBeDefined();
  });

  it('is told with its embedding', async () => {
    const { support } = smallTrunkTask(configuration, { way: 2, shot: 2, views: 1, seed: 5 });
    const drawn = initialParameters(configuration, keyFrom(3));
    const embed = (own: Record<string, Float32Array>) =>
      runner.embed({ ...drawn, ...own }, firstViews(support), { way: 2, support: support.count });
    const { embedding, familiar } = await embed({});
    expect(familiar).toBe(true);
    const here = { 'familiar.center': Float32Array.of(...embedding, ...embedding) };
    const there = { 'familiar.center': here['familiar.center'].map((z) => z + 3) };
    const inverse = { 'familiar.inverse': new Float32Array(2 * state).fill(1) };
    expect((await embed({ ...here, ...inverse })).familiar).toBe(true);
    expect((await embed({ ...there, ...inverse })).familiar).toBe(false);
  });
});
