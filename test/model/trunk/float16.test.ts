import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeFloat16 } from '../../../model/trunk/float16.ts';
import { fromFloat16 } from '../../../model/trunk/float32.ts';
import { halfBytes, widenHalves } from '../../../training/planes/float16.ts';

const encode = (...values: number[]): number[] => {
  const bits = new Uint16Array(values.length + 1);
  encodeFloat16(Float32Array.from(values), bits, 1);
  return [...bits.subarray(1)];
};

const finite = Array.from({ length: 0x1_0000 }, (_, bits) => bits).filter(
  (bits) => (bits & 0x7c00) !== 0x7c00,
);
const values = fromFloat16(Uint16Array.from(finite.slice(0, finite.length / 2))); // those without a sign

const widen = (bits: readonly number[]): Float32Array => {
  halfBytes.set(new Uint8Array(Uint16Array.from(bits).buffer));
  return widenHalves(bits.length).slice();
};

describe('float16', () => {
  it('has the values of IEEE 754 binary16', () => {
    expect([...widen([0x3c00, 0xc000, 0x7bff, 0x0400, 0x0001, 0x83ff, 0x3555])]).toEqual([
      1,
      -2,
      65504,
      2 ** -14,
      2 ** -24,
      -1023 * 2 ** -24,
      0.333251953125,
    ]);
    expect(widen(finite)).toEqual(fromFloat16(Uint16Array.from(finite)));
  });

  it('every finite value is its own nearest', () => {
    expect(encode(...fromFloat16(Uint16Array.from(finite)))).toEqual(finite);
  });

  it('rounds to the nearest, ties to even', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 0x7bfe }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (bits, t) => {
          const [low, high] = [values[bits]!, values[bits + 1]!];
          const value = Math.fround(low + t * (high - low));
          const middle = (low + high) / 2;
          const nearest = value === middle ? bits + (bits & 1) : value < middle ? bits : bits + 1;
          expect(encode(value, -value)).toEqual([nearest, nearest | 0x8000]);
          expect(encode(middle)).toEqual([bits + (bits & 1)]);
        },
      ),
    );
  });

  it('refuses what it cannot hold', () => {
    expect(encode(65519)).toEqual([0x7bff]);
    for (const value of [65520, -1e9, Infinity, NaN])
      expect(() => encode(value)).toThrow(new RangeError(`${value} is beyond float16`));
  });
});
