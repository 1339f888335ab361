import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { weightCount } from '../../../../model/regression/export.ts';
import { parseRegressionKey } from '../../../../model/regression/cell.ts';
import { sizeOf } from '../../../../model/graph/shapes.ts';
import { claims } from '../../../../training/studies/toy/claims.ts';
import {
  readToyConfiguration,
  toyConfigurationSchema,
} from '../../../../training/studies/toy/configuration.ts';
import { fullyConnectedSpecifications } from '../../../../training/studies/toy/methods/fully-connected.ts';
import { totalIterations } from '../../../../training/run/schedule.ts';

const configured = (row: string) => readToyConfiguration(join('training/configs/toy', `${row}.yaml`));

describe('toy configurations', () => {
  it('in the repository all fit, and are named like their files', async () => {
    const files = await readdir('training/configs/toy');
    expect(files.length).toBeGreaterThan(10);
    for (const file of files) {
      const { name } = await readToyConfiguration(join('training/configs/toy', file));
      expect(name).toBe(basename(file, '.yaml'));
    }
  });

  it('of all rows that are compared are there, each of 70,000 meta-iterations but BMAML', async () => {
    for (const row of new Set(claims.flatMap((claim) => [claim.row, claim.other]))) {
      const length = totalIterations(await configured(row));
      expect(length, row).toBe(row === 'bmaml' ? 6000 : 70_000);
    }
  });

  it('of wide networks have the weights of a fixed cell within a hundredth', async () => {
    const { method } = await configured('fixed-cell');
    if (method.kind !== 'm-nas') throw new Error('a fixed cell is a cell of M-NAS');
    const cell = weightCount(method.model, parseRegressionKey(method.genotype!));
    expect(cell).toBe(15_451);
    for (const row of ['maml-wide', 'mumomaml-wide', 'mumomaml-wide-plus']) {
      const wide = (await configured(row)).method;
      if (wide.kind === 'm-nas') throw new Error(`${row} is fully connected`);
      const weights = fullyConnectedSpecifications(wide.learner).reduce(
        (sum, { shape }) => sum + sizeOf(shape),
        0,
      );
      expect(Math.abs(weights / cell - 1), row).toBeLessThan(0.01);
    }
  });

  it.each(['m-nas-shared-plus', 'fixed-cell-plus', 'mumomaml-plus', 'mumomaml-wide-plus', 'hsml-flat-plus'])(
    '%s has the extras of m-nas-plus',
    async (row) => {
      const plus = await configured('m-nas-plus');
      const own = await configured(row);
      const encoderOf = ({ method }: typeof own): unknown => {
        if (method.kind === 'm-nas') return method.model.encoder;
        return 'encoder' in method ? method.encoder : null;
      };
      const ratesOf = ({ method }: typeof own): unknown => {
        if (method.kind === 'm-nas') return method.model.innerLoop.rates;
        return 'rates' in method.learner ? method.learner.rates : null;
      };
      const extrasOf = (of: typeof own) => ({
        order: of.order,
        gradientClip: of.gradientClip,
        encoder: encoderOf(of),
        rates: ratesOf(of),
        stepwise: of.stages.map(({ multiStepIterations }) => multiStepIterations).filter((n) => n > 0),
        end: { ...of.stages.at(-1)!, stage: null },
        length: totalIterations(of),
      });
      expect(extrasOf(own)).toEqual(extrasOf(plus));
    },
  );

  const faulty = (method: object, stages: object[]) =>
    toyConfigurationSchema.safeParse({ name: 'faulty', seed: 1, method, stages }).error?.issues[0]?.message;
  const shared = { controller: { kind: 'shared' } };
  const retrain = { stage: 'retrain', iterations: 1 };

  it.each([
    ['0l1l.0l2l', shared, retrain, 'none of this cell'],
    ['0l1l.0l2l.2l9l', shared, retrain, 'none of this cell'],
    ['0l1l.0l2l.2l3l ', shared, retrain, 'none of this cell'],
    ['0x1l.0l2l.2l3l', shared, retrain, 'unknown operation'],
    ['0l1l.0l2l.2l3l', {}, retrain, 'controller shared'],
    ['0l1l.0l2l.2l3l', shared, { stage: 'search', iterations: 1 }, 'retrain alone'],
  ])('with the genotype %s and %j are refused where they are wrong', (genotype, model, stage, message) => {
    expect(faulty({ kind: 'm-nas', genotype, model }, [stage])).toContain(message);
  });

  it('of methods without a loss of every step cannot ask for one', () => {
    const stage = { stage: 'search', iterations: 2, multiStepIterations: 1 };
    expect(faulty({ kind: 'bmaml' }, [stage])).toContain('bmaml has no loss of every inner step');
    expect(faulty({ kind: 'maml' }, [stage])).toBeUndefined();
  });
});
