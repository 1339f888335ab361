import { describe, expect, it } from 'vitest';
import {
  alphaTemperatureAt,
  entropyWeightAt,
  learningRateAt,
  stageAt,
} from '../../../training/run/schedule.ts';
import type { TrainedStage } from '../../../training/run/schedule.ts';

const search: TrainedStage = { stage: 'search', iterations: 10, learningRate: [0.1, 0.02] };
const rates = { controllerLearningRate: 0.5 };

describe('the learning rate of a stage', () => {
  it('goes from its start to its end, in a line or along a cosine', () => {
    const at = (progress: number, schedule?: 'linear' | 'cosine') =>
      learningRateAt('weights', { ...search, ...(schedule && { schedule }) }, progress, rates);
    expect([0, 0.25, 1].map((progress) => at(progress))).toEqual([
      0.1,
      expect.closeTo(0.08),
      expect.closeTo(0.02),
    ]);
    expect(at(0, 'cosine')).toBe(0.1);
    expect(at(0.25, 'cosine')).toBeCloseTo(0.06 + 0.04 * Math.SQRT1_2, 12); // slow at first
    expect(at(0.5, 'cosine')).toBeCloseTo(0.06, 12);
    expect(at(1, 'cosine')).toBeCloseTo(0.02, 12);
  });

  it('is the controller’s own while it searches, and none where architectures are kept', () => {
    const of = (stage: TrainedStage['stage']) =>
      learningRateAt('controller', { ...search, stage }, 0.5, rates);
    expect([of('search'), of('tune'), of('choose'), of('retrain')]).toEqual([0.5, 0.5, 0.5, 0]);
  });

  it('is none of all but the controller where a stage only chooses, and of an encoder that is fixed', () => {
    expect(learningRateAt('weights', { ...search, stage: 'choose' }, 0, rates)).toBe(0);
    expect(learningRateAt('encoder', { ...search, encoder: 'fixed' }, 0, rates)).toBe(0);
    expect(learningRateAt('encoder', search, 0, rates)).toBe(0.1);
  });

  it('is a group’s own all through the run, where it has one', () => {
    const own = { ...rates, ownLearningRates: { modulator: 0.3, encoder: 0.7 } };
    expect(learningRateAt('modulator', search, 0.5, own)).toBe(0.3);
    expect(learningRateAt('encoder', { ...search, encoder: 'fixed' }, 0.5, own)).toBe(0);
  });
});

it('α’s temperature falls by the same factor in equal parts of a stage', () => {
  const at = (progress: number) => alphaTemperatureAt({ temperature: [1, 0.01] }, progress);
  expect([at(0), at(0.5), at(1)]).toEqual([1, expect.closeTo(0.1, 12), expect.closeTo(0.01, 12)]);
});

it('the factor of the entropy goes linearly from its start to its end', () => {
  const at = (progress: number) => entropyWeightAt({ entropyWeight: [0.5, 2] }, progress);
  expect([at(0), at(0.5), at(1)]).toEqual([0.5, 1.25, 2]);
});

it('an iteration has its place in its stage', () => {
  const stages = [{ iterations: 2 }, { iterations: 0 }, { iterations: 4 }];
  expect(stageAt({ stages }, 1)).toMatchObject({ position: 1, progress: 0.5, first: false, last: true });
  expect(stageAt({ stages }, 2)).toMatchObject({ stage: stages[2], position: 0, first: true, last: false });
  expect(() => stageAt({ stages }, 6)).toThrow('iteration 6 is after the last stage');
});
