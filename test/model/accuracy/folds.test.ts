import { describe, expect, it } from 'vitest';
import { estimateAccuracy } from '../../../model/accuracy/estimate.ts';
import { fileOrder, foldsOf } from '../../../model/accuracy/folds.ts';

describe('the order of files', () => {
  it('is told by length and content, of large files by a part of it', () => {
    const large = new Uint8Array(200_000);
    const [start, end] = [large.slice(), large.slice()];
    start[0] = 1;
    end.fill(1, end.length - 4);
    const given = [new Uint8Array(0), new Uint8Array(1), Uint8Array.of(1), large, large.slice(1), start, end];
    const orders = given.map(fileOrder);
    expect(new Set(orders).size).toBe(given.length);
    for (const order of orders) expect(order).toMatch(/^[0-9a-f]{16}$/);
    expect(fileOrder(large.slice())).toBe(fileOrder(large));
  });

  it('makes the folds of an estimate, whatever the order of the images', async () => {
    const images = Array.from({ length: 9 }, (_, i) => ({
      label: String(i % 2),
      order: fileOrder(Uint8Array.of(i)),
    }));
    const leftOf = async (given: typeof images) => {
      const left: string[][] = [];
      await estimateAccuracy(given, (fold) => {
        left.push(fold.left.map(({ order }) => order));
        return Promise.resolve(fold.left.map(() => Float32Array.of(1, 0)));
      });
      return left;
    };
    const expected = await leftOf(images);
    expect(expected).toHaveLength(5);
    expect(await leftOf(images.toReversed())).toEqual(expected);
  });
});

describe('the folds of a support set', () => {
  const images = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts).flatMap(([label, count]) =>
      Array.from({ length: count }, (_, i) => ({ label, name: `${label}${i}` })),
    );
  const leftOf = (counts: Readonly<Record<string, number>>) =>
    foldsOf(images(counts)).map(({ left }) => left.map(({ name }) => name));

  it('leave out every image once, and never the only one of a class', () => {
    expect(leftOf({ a: 3, b: 1, c: 2 })).toEqual([['a0', 'c0'], ['a1', 'c1'], ['a2']]);
    for (const { support, left } of foldsOf(images({ a: 3, b: 1, c: 2 }))) {
      expect(new Set(support.map(({ label }) => label)).size).toBe(3);
      expect(support.length + left.length).toBe(6);
    }
  });

  it('are five at most, and none where no class has two images', () => {
    expect(leftOf({ a: 12 })).toEqual([
      ['a0', 'a5', 'a10'],
      ['a1', 'a6', 'a11'],
      ['a2', 'a7'],
      ['a3', 'a8'],
      ['a4', 'a9'],
    ]);
    expect(leftOf({ a: 1, b: 1 })).toEqual([]);
  });
});
