import type { ModelConfiguration } from '../configuration.ts';
import { windowOutput } from '../graph/shapes.ts';
import { cellsSource } from './genotype.ts';
import type { CellName, SlotName, TapChoice } from './genotype.ts';

/** A tap of the trunk as the model reads it: planes [channels, side, side] (model/trunk/). */
export type Tap = NonNullable<ModelConfiguration['trunk']>['taps'][number];

/** An input of a cell that reads one tap of several: which one is part of the architecture. */
export interface TapSlot {
  readonly name: SlotName;
  readonly cell: CellName;
  readonly input: 0 | 1;
  /** Of the cell's planes there: a finer tap is averaged down to it. */
  readonly side: number;
  /** The taps that are fine enough. */
  readonly taps: readonly Tap[];
}

/** Sides of the normal cell's planes and of the reduction cell's. */
export function cellSides({ supernet, trunk }: ModelConfiguration): { normal: number; reduction: number } {
  const normal = supernet.side ?? Math.min(...(trunk?.taps ?? []).map(({ side }) => side));
  return { normal, reduction: windowOutput(normal, 3, 2, 1) };
}

/** The slots of a model with a trunk, in the order of the architecture weights of taps; none without one. */
export function tapSlots(configuration: ModelConfiguration): TapSlot[] {
  const taps = configuration.trunk?.taps ?? [];
  if (taps.length === 0) return [];
  const sides = cellSides(configuration);
  const slot = (name: SlotName, cell: CellName, input: 0 | 1): TapSlot => ({
    name,
    cell,
    input,
    side: sides[cell],
    taps: taps.filter(({ side }) => side >= sides[cell]),
  });
  return [slot('normal.0', 'normal', 0), slot('normal.1', 'normal', 1), slot('reduction.0', 'reduction', 0)];
}

/** Number of architecture weights of taps: one a slot and tap. */
export const slotOutputs = (configuration: ModelConfiguration): number =>
  tapSlots(configuration).reduce((total, { taps }) => total + taps.length, 0);

/** Channels of all taps: the length of an image's pooled features. */
export const pooledWidth = (taps: readonly Tap[]): number =>
  taps.reduce((total, { channels }) => total + channels, 0);

/** Names of the sources of features, cells first. */
export const sourceNames = ({ trunk }: ModelConfiguration): string[] => [
  cellsSource,
  ...(trunk?.taps ?? []).map(({ name }) => name),
];

/** The taps that a child reads anywhere, in the trunk's order. */
export const tapsRead = ({ trunk }: ModelConfiguration, { slots, beside }: TapChoice): Tap[] => {
  const read = new Set([...Object.values(slots), ...beside]);
  return (trunk?.taps ?? []).filter(({ name }) => read.has(name));
};

/** Floats of one row: the planes of one view of an image, tap after tap. */
export const rowLength = (taps: readonly Tap[]): number =>
  taps.reduce((total, { channels, side }) => total + channels * side ** 2, 0);

/** A projection of a cell's input: its tensor, the width of what it reads, and which tap of a slot that is. */
export interface Projection {
  readonly name: string;
  readonly width: number;
  /** null: there is nothing to choose. */
  readonly choice: { readonly slot: SlotName; readonly tap: string } | null;
}

/** Names of the projections of a cell's input and the width of what each reads: on a trunk, one a tap of its slot. */
export function projectionsOf(
  configuration: ModelConfiguration,
  cell: CellName,
  input: number,
  width: number,
): Projection[] {
  const name = `${cell}.preprocess.${input}`;
  const slot = tapSlots(configuration).find((own) => own.cell === cell && own.input === input);
  return slot
    ? slot.taps.map((tap) => ({
        name: `${name}.${tap.name}`,
        width: tap.channels,
        choice: { slot: slot.name, tap: tap.name },
      }))
    : [{ name, width, choice: null }];
}
