import type { Schema } from '../contract/schema.ts';
import { genotypeKey } from '../model/search-space/genotype.ts';
import { amount, percent } from './format.ts';
import type { MadeTask } from './task.ts';

type Choice = Schema<'ArchitectureChoice'>;

/** What an architecture costs. */
export interface TradePoint {
  readonly bytes: number;
  readonly multiplyAdds: number;
  /** whether it is the one that the task has */
  readonly chosen: boolean;
}

/** What each architecture that the task could have got costs, the smallest file first. */
export function tradeOf(
  choices: readonly Choice[],
  { architecture, mirrored }: Pick<MadeTask, 'architecture' | 'mirrored'>,
): TradePoint[] {
  const own = genotypeKey(architecture.genotype);
  return choices
    .map((choice) => {
      const { bytes, multiplyAdds } = (mirrored && choice.mirrored) || choice;
      return { bytes, multiplyAdds, chosen: choice.key === own };
    })
    .sort((a, b) => a.bytes - b.bytes || a.multiplyAdds - b.multiplyAdds);
}

/** Where a task stands among them, in words; its accuracy is that on photos that were left out, where it is known. */
export function standing(points: readonly TradePoint[], accuracy: number | undefined): string {
  const at = points.findIndex(({ chosen }) => chosen);
  const { bytes, multiplyAdds } = points[at] ?? points[0]!;
  const told = accuracy === undefined ? '' : `, ${percent(accuracy)} of left-out photos right`;
  return at < 0
    ? `${points.length} networks could have been chosen.`
    : `Of ${points.length} networks, by size, this is number ${at + 1}: ${amount(bytes)}B, ${amount(multiplyAdds)} multiply-adds${told}.`;
}

/**
 * Places on a line whose labels do not overprint: the chosen one, then from left to right what has room.
 * @returns their indices, ascending
 */
export function withRoom(
  places: readonly { readonly at: number; readonly chosen: boolean }[],
  room: number,
): number[] {
  const inOrder = places
    .map((_, i) => i)
    .sort((a, b) => Number(places[b]!.chosen) - Number(places[a]!.chosen));
  const kept: number[] = [];
  for (const i of inOrder)
    if (kept.every((other) => Math.abs(places[other]!.at - places[i]!.at) >= room)) kept.push(i);
  return kept.sort((a, b) => a - b);
}

/** Bytes that names of classes are given. */
const forNames = 2_000;
const roundedTo = 10_000;

/**
 * Limits of the file that leave something to choose, the smallest first: each just lets one more network in. None where
 * all are about as large.
 * @param choices costs for as many classes as there may be
 */
export function sizeLimits(choices: readonly Choice[]): number[] {
  const sizes = choices.map(({ bytes, mirrored }) => mirrored?.bytes ?? bytes);
  const limits = sizes.map((size) => Math.ceil((size + forNames) / roundedTo) * roundedTo);
  return [...new Set(limits)].sort((a, b) => a - b).slice(0, -1);
}
