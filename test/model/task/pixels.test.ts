import { describe, expect, it } from 'vitest';
import { toFloat } from '../../../model/task/pixels.ts';

describe('toFloat', () => {
  it('maps 0..255 to 0..1', () => {
    expect([...toFloat(Uint8Array.of(0, 51, 255))]).toEqual([0, Math.fround(0.2), 1]);
  });
});
