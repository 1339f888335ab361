import { describe, expect, it } from 'vitest';
import { classTable } from '../../../training/command/class-table.ts';
import { RemainingTime } from '../../../training/command/remaining-time.ts';
import { duration } from '../../../training/run/duration.ts';

describe('the remaining time of a run', () => {
  const course = { total: 100, validateEvery: 40 };

  it('is not known before an iteration of the stage that compiled nothing', () => {
    const time = new RemainingTime(0, course);
    expect([time.compiling, time.seconds]).toEqual([true, undefined]);
    time.iteration(1, 'search', 60, true);
    expect([time.compiling, time.seconds]).toEqual([true, undefined]);
    time.iteration(2, 'search', 2, false);
    expect([time.compiling, time.seconds]).toEqual([false, 196]);
    time.iteration(3, 'search', 90, true);
    expect(time.seconds).toBe(194);
    time.iteration(4, 'retrain', 70, true);
    expect(time.seconds).toBeUndefined();
  });

  it('has the validations in it that are still to come', () => {
    const time = new RemainingTime(38, course);
    time.iteration(40, 'retrain', 1, false);
    time.validation(7);
    expect(time.seconds).toBe(60 + 7);
    time.iteration(80, 'retrain', 1, false);
    expect(time.seconds).toBe(20);
  });

  it('is told in words', () => {
    expect([0.4, 89, 90, 3600, 5400, 9000].map(duration)).toEqual([
      '0 s',
      '89 s',
      '2 min',
      '60 min',
      '1 h 30 min',
      '2 h 30 min',
    ]);
  });
});

describe('the table of classes', () => {
  it('says which classes train, validate and test, and names a few of many', () => {
    const classes = Array.from({ length: 12 }, (_, i) => ({
      name: `c${i}`,
      split: i < 10 ? ('train' as const) : ('test' as const),
      first: i,
      count: 1,
    }));
    expect(classTable([{ name: 'mine', classes }])).toBe(
      [
        'mine: 12 classes, 12 images',
        '  train     10 classes, 10 images: c0, c1, c2, c3, c4, c5, c6, c7, and 2 more',
        '  validate  0 classes, 0 images',
        '  test      2 classes, 2 images: c10, c11',
      ].join('\n'),
    );
  });

  it('counts a class once whose images are split', () => {
    const classes = (['train', 'test'] as const).map((split) => ({ name: 'cat', split, first: 0, count: 2 }));
    expect(classTable([{ name: 'mine', classes }])).toContain('mine: 1 class, 4 images');
  });
});
