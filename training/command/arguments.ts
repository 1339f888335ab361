import { InvalidArgumentError, Option } from 'commander';
import type { SkipOptions } from '../data/skipped-images.ts';

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

/** `--strict`, of every command that reads images. */
export const strictOption = (): Option =>
  new Option(
    '--strict',
    'an image that cannot be decoded is an error; otherwise it is left out with a warning',
  ).default(false);

/** What `--strict` says, with warnings on stderr. */
export const skipOf = (strict: boolean): SkipOptions =>
  strict
    ? {}
    : {
        warn: (text) => {
          console.error(text);
        },
      };
