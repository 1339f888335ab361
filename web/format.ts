/** Numbers as the page writes them. */

export const percent = (share: number, digits = 0): string => `${(100 * share).toFixed(digits)}\u00a0%`;

export const duration = (milliseconds: number): string =>
  milliseconds < 1000
    ? `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`;

const units = ['', 'k', 'M', 'G'] as const;

/** Three digits and a unit: 1234567 is 1.23 M. */
export function amount(value: number): string {
  const power = Math.min(Math.max(Math.floor(Math.log10(Math.max(value, 1)) / 3), 0), units.length - 1);
  return `${Number((value / 1000 ** power).toPrecision(3))} ${units[power]!}`.trim();
}

export const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;

const words = ['no', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'] as const;

/** Up to ten as a word. */
export const inWords = (count: number): string => words[count] ?? String(count);
