import { expect, it } from 'vitest';
import { describeTrunk } from '../../../model/trunk/trunk.ts';
import { tinyTaps, tinyTrunk } from '../../support/tiny-trunk.ts';

const known = { name: 'tiny', sha256: '1'.repeat(64), licence: 'CC0-1.0' };

it('a trunk is described by its graph as by its card', () => {
  const taps = Object.entries(tinyTaps).map(
    ([name, { channels, side }]) => [name, { channels, side }] as const,
  );
  const expected = { ...known, side: 8, taps: Object.fromEntries(taps) };
  expect(describeTrunk(tinyTrunk, known)).toEqual(expected);
});

it('a graph of another form is none', () => {
  expect(() => describeTrunk({ ...tinyTrunk, inputs: [] }, known)).toThrow('0 inputs in place of one');
  const flat = { ...tinyTrunk, inputs: [{ name: 'image', shape: ['n', 8] }] };
  expect(() => describeTrunk(flat, known)).toThrow('image is float [n, 8], not float [n, 3, 8, 8]');
});
