import { intervalOf } from '../../report/statistics.ts';

/** Table 1 of the paper: mean squared error of the harmonic family and of all four, with half of the 95 % interval. */
export const tableOne: Readonly<
  Record<
    string,
    { readonly harmonic: readonly [number, number]; readonly average: readonly [number, number] }
  >
> = {
  maml: { harmonic: [2.21, 0.364], average: [1.941, 0.376] },
  'mt-net': { harmonic: [2.213, 0.358], average: [2.031, 0.359] },
  bmaml: { harmonic: [2.073, 0.361], average: [1.925, 0.324] },
  mumomaml: { harmonic: [1.786, 0.184], average: [0.524, 0.031] },
  'hsml-flat': { harmonic: [1.687, 0.171], average: [0.502, 0.041] },
  'm-nas-nm': { harmonic: [1.973, 0.186], average: [1.772, 0.356] },
  'm-nas-shared': { harmonic: [1.264, 0.117], average: [0.36, 0.037] },
  'm-nas': { harmonic: [1.232, 0.121], average: [0.352, 0.032] },
};

/** A row's own average, means over seeds, beside the paper's. */
interface Ranked {
  readonly name: string;
  readonly measured: number;
  readonly paper: number;
}

const rankIn = (values: readonly number[], value: number): number =>
  1 + values.filter((other) => other < value).length;

/**
 * The rows that the paper has too, best first, with the ranks and distances that both have, and how many pairs of rows
 * stand in the paper's order.
 * @param averages each run's name and average
 */
export function paperOrder(averages: readonly (readonly [name: string, average: number])[]): {
  readonly rows: readonly (readonly string[])[];
  readonly agreeing: number;
  readonly pairs: number;
} {
  const names = Object.keys(tableOne).filter((name) => averages.some(([own]) => own === name));
  const ranked = names
    .map((name): Ranked => {
      const own = averages.filter(([other]) => other === name).map(([, average]) => average);
      return { name, measured: intervalOf(own).mean, paper: tableOne[name]!.average[0] };
    })
    .sort((a, b) => a.measured - b.measured);
  const reference = ranked.find(({ name }) => name === 'm-nas');
  const times = (value: number, bound?: number): string => (bound ? (value / bound).toFixed(1) : '');
  const pairs = ranked.flatMap((a, i) => ranked.slice(i + 1).map((b) => [a, b] as const));
  return {
    rows: ranked.map(({ name, measured, paper }, i) => [
      name,
      measured.toFixed(3),
      `${i + 1}`,
      times(measured, reference?.measured),
      paper.toFixed(3),
      `${rankIn(
        ranked.map((row) => row.paper),
        paper,
      )}`,
      times(paper, reference?.paper),
    ]),
    agreeing: pairs.filter(([a, b]) => a.paper < b.paper).length,
    pairs: pairs.length,
  };
}
