import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  reorder,
  RowCollector,
  rowsOfView,
  taken,
  viewsNeeded,
  writeView,
} from '../../../model/adaptation/support-rows.ts';

describe('a view of an image', () => {
  // side 2: the whole image, then two crops
  const pixels = Uint8Array.from({ length: 36 }, (_, i) => i);
  const view = (number: number): number[] => {
    const into = new Uint8Array(12);
    writeView(pixels, number, 2, into);
    return Array.from(into);
  };

  it('is the whole, its mirror image, or a crop by its number', () => {
    expect(view(0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(view(1)).toEqual([1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10]);
    expect(view(2)[0]).toBe(12);
    expect(view(3)[0]).toBe(24);
  });

  it('leaves the image as it is', () => {
    view(1);
    expect(pixels).toEqual(Uint8Array.from({ length: 36 }, (_, i) => i));
  });
});

describe('rows of a support set', () => {
  it('are needed of the mirror images too, where there may be any', () => {
    expect(viewsNeeded({ mirror: true, crops: 2 })).toEqual([0, 1, 2, 3]);
    expect(viewsNeeded({ mirror: false, crops: 1 })).toEqual([0, 2]);
  });

  it('stand at the number of their view and the place of their image, whenever they come', () => {
    const collector = new RowCollector({ mirror: false, crops: 1 }, 2);
    const first = [
      { image: 1, view: 2 },
      { image: 0, view: 0 },
      { image: 1, view: 0 },
    ];
    collector.add(first, Float32Array.of(1, 2, 3, 4, 5, 6));
    collector.add([{ image: 0, view: 2 }], Float32Array.of(7, 8));
    expect(Array.from(rowsOfView(collector.rows, 0))).toEqual([3, 4, 5, 6]);
    expect(Array.from(rowsOfView(collector.rows, 2))).toEqual([7, 8, 1, 2]);
    expect(() => rowsOfView(collector.rows, 1)).toThrow(RangeError);
  });

  it('are put in another order where they lie', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 7 }), (places) => {
        const all = Float32Array.from({ length: 2 * 7 * 3 }, (_, i) => i);
        reorder({ views: [0, 1], all }, places);
        const expected = [0, 7].flatMap((first) =>
          places.flatMap((place) => [0, 1, 2].map((column) => 3 * (first + place) + column)),
        );
        expect(Array.from(all)).toEqual(expected);
      }),
    );
  });

  it('are given up but for the views that are taken', () => {
    const rows = () => ({ views: [0, 1, 2, 3], all: Float32Array.of(0, 0, 1, 1, 2, 2, 3, 3) });
    expect(Array.from(taken(rows(), [0, 1, 2, 3]))).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(Array.from(taken(rows(), [0, 2, 3]))).toEqual([0, 0, 2, 2, 3, 3]);
    expect(Array.from(taken(rows(), [0]))).toEqual([0, 0]);
    expect(() => taken(rows(), [1, 0])).toThrow(RangeError);
  });
});
