import type { ModelConfiguration } from '../model/configuration.ts';
import { choice, fold, integer } from '../model/random.ts';
import type { Key } from '../model/random.ts';
import { cellNames, operationNames } from '../model/search-space/genotype.ts';
import type {
  CellGenotype,
  CellName,
  Genotype,
  GenotypeEdge,
  SlotName,
  TapChoice,
} from '../model/search-space/genotype.ts';
import { tapSlots } from '../model/search-space/taps.ts';

const operations = operationNames.slice(1) as readonly GenotypeEdge['operation'][];

/**
 * A genotype that no search chose: two different inputs of every node, of each edge any operation but zero; on a trunk any
 * tap for every slot, and beside the cells each tap with probability 1/2.
 */
export function randomGenotype(configuration: ModelConfiguration, key: Key): Genotype {
  const cells = cellNames.map((cell) => [cell, randomCell(configuration.supernet.nodes, fold(key, cell))]);
  const both = Object.fromEntries(cells) as Record<CellName, CellGenotype>;
  return configuration.trunk ? { ...both, taps: randomTaps(configuration, fold(key, 'taps')) } : both;
}

const randomCell = (nodes: number, key: Key): CellGenotype => ({
  nodes: Array.from({ length: nodes }, (_, target) =>
    choice(fold(key, target, 'inputs'), target + 2, 2)
      .sort((a, b) => a - b)
      .map((input) => ({
        input,
        operation: operations[integer(fold(key, target, input), operations.length)]!,
      })),
  ),
});

function randomTaps(configuration: ModelConfiguration, key: Key): TapChoice {
  const slots = tapSlots(configuration).map(({ name, taps }) => [
    name,
    taps[integer(fold(key, name), taps.length)]!.name,
  ]);
  return {
    slots: Object.fromEntries(slots) as Record<SlotName, string>,
    beside: configuration
      .trunk!.taps.map(({ name }) => name)
      .filter((name) => integer(fold(key, 'beside', name), 2) === 1),
  };
}
