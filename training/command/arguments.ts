import { InvalidArgumentError } from 'commander';

/** Reads an integer of a command line, of at least `least`. */
export const integerFrom =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < least)
      throw new InvalidArgumentError(`${JSON.stringify(text)} is no integer of at least ${least}.`);
    return value;
  };

/** Reads a comma-separated list. */
export const list = (text: string): string[] => text.split(',');

/** Reads a comma-separated list of integers of at least `least`. */
export const integersFrom =
  (least: number) =>
  (text: string): number[] =>
    list(text).map(integerFrom(least));
