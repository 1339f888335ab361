import { describe, expect, it } from 'vitest';
import { estimateAccuracy } from '../../../model/accuracy/estimate.ts';
import { fileOrder } from '../../../model/accuracy/folds.ts';

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
