import { describe, expect, it } from 'vitest';
import { evaluationOf } from '../../model/accuracy/judgements.ts';
import { advice, explained, toneOf, verdict } from '../../web/quality.ts';

/** An evaluation of two classes: right ones, and how often each was taken for the other. */
const evaluation = (right: number, wrong: number) =>
  evaluationOf(
    ['cup', 'mug'],
    [
      ...Array.from({ length: right }, (_, i) => ({ truth: i % 2, given: i % 2 })),
      ...Array.from({ length: wrong }, () => ({ truth: 0, given: 1 })),
    ],
  );
const plain = (text: string) => text.replace(/\u00a0/g, ' ');

describe('how good a classifier is, in words', () => {
  it.each([
    [40, 0, 'Works well', 'good'],
    [6, 0, 'Looks good', 'good'],
    [8, 2, 'Works mostly', 'fair'],
    [3, 3, 'Not good yet', 'poor'],
  ])('of %i right and %i wrong', (right, wrong, word, tone) => {
    expect(verdict(evaluation(right, wrong))).toBe(word);
    expect(toneOf(evaluation(right, wrong))).toBe(tone);
  });

  it('says how sure that is', () => {
    expect(plain(explained(evaluation(12, 0)))).toBe(
      'All 12 photos that were left out in turn were told right. On new photos like these expect 76 % to 100 %.',
    );
    expect(plain(explained(evaluation(8, 2)))).toContain('8 of 10 photos');
  });
});

describe('what would help', () => {
  it('is more photos of the class that has fewest, and of classes that are confused', () => {
    expect(advice({ cup: 6, mug: 2, jug: 1 }, evaluation(8, 2))).toEqual([
      '“cup” was taken for “mug” twice: add photos that show the difference.',
      '“jug” has one photo: add more. With one it cannot even be checked.',
      '“mug” has two photos: add more.',
    ]);
  });

  it('is nothing where all is well, and no more than three things', () => {
    expect(advice({ cup: 6, mug: 9 }, evaluation(12, 0))).toEqual([]);
    expect(advice({ a: 1, b: 1, c: 1, d: 1 }, undefined)).toHaveLength(3);
  });
});
