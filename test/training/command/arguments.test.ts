import { describe, expect, it } from 'vitest';
import { integerFrom, integersFrom, list } from '../../../training/command/arguments.ts';

describe('arguments of a command line', () => {
  it('are read as integers and lists of them', () => {
    expect(integerFrom(0)('0')).toBe(0);
    expect(integerFrom(1)('600')).toBe(600);
    expect(integersFrom(0)('1,2,30')).toEqual([1, 2, 30]);
    expect(list('a,b')).toEqual(['a', 'b']);
  });

  it.each(['', ' ', 'x', '1.5', '-1', '0', 'NaN', 'Infinity', '1,2'])(
    'refuses %j as an integer of at least 1',
    (text) => {
      expect(() => integerFrom(1)(text)).toThrow('no integer of at least 1');
    },
  );

  it('names the part of a list that is at fault', () => {
    expect(() => integersFrom(1)('5,a')).toThrow('"a"');
  });
});
