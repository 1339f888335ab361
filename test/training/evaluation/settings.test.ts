import { describe, expect, it } from 'vitest';
import { settingsOf } from '../../../training/evaluation/settings.ts';
import { plainDomain } from '../data/domains.ts';

const asked = { split: 'test' as const, way: 5, shots: [1, 5], query: 2 };
const domain = plainDomain([6, 6, 4], 4, 'test');

describe('what is evaluated', () => {
  it('has as many ways as there are classes of enough images, and says so', () => {
    const { settings, notes } = settingsOf([domain], asked);
    expect(settings).toEqual([
      { domain: 'plain', shot: 1, way: 3 },
      { domain: 'plain', shot: 5, way: 2 },
    ]);
    expect(notes).toEqual([
      'plain has 3 test classes of 2 images or more: its 1-shot tasks have 3 ways',
      'plain has 2 test classes of 6 images or more: its 5-shot tasks have 2 ways',
    ]);
  });

  it('leaves room for foreign classes', () => {
    const { settings, notes } = settingsOf([domain], asked, 1);
    expect(settings).toEqual([{ domain: 'plain', shot: 1, way: 2 }]);
    expect(notes[1]).toBe(
      'plain has 2 test classes of 6 images or more: no 5-shot task of two ways or more beside 1 foreign classes',
    );
  });

  it('is all that is asked for where there are classes enough', () => {
    expect(settingsOf([domain], { ...asked, way: 2 }).notes).toEqual([]);
    expect(settingsOf([domain], { ...asked, split: 'val' }).settings).toEqual([]);
  });
});
