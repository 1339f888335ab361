import { describe, expect, test } from 'vitest';
import { imageFormat } from '../../images/format.ts';
import { timesOf } from '../../bench/serve/load.ts';
import { photo } from '../../bench/serve/photos.ts';

describe('the bench of the service', () => {
  test('times are values that occurred, whatever their order', () => {
    const values = Array.from({ length: 100 }, (_, i) => ((i * 37) % 100) + 1);
    expect(timesOf(values)).toEqual({ count: 100, p50: 51, p95: 96, worst: 100 });
    expect(timesOf([5])).toEqual({ count: 1, p50: 5, p95: 5, worst: 5 });
  });

  test('photos of one label and index are the same bytes, all others differ', async () => {
    const size = { width: 96, height: 64 };
    const [one, again, index, label] = await Promise.all([
      photo(0, 0, size),
      photo(0, 0, size),
      photo(0, 1, size),
      photo(1, 0, size),
    ]);
    expect(imageFormat(one)).toBe('JPEG');
    expect(again).toEqual(one);
    expect(index).not.toEqual(one);
    expect(label).not.toEqual(one);
  });
});
