import type { ModelConfiguration } from '../configuration.ts';
import type { CellName } from './genotype.ts';
import { cellSides } from './taps.ts';
import { firstSide } from '../configuration.ts';
import { windowOutput } from '../graph/shapes.ts';

/** Kernels of the supernet's depthwise convolutions, in the order of their pointwise partners. */
export const depthwiseKinds = [
  { name: 'sep3', kernel: 3, dilation: 1 },
  { name: 'sep5', kernel: 5, dilation: 1 },
  { name: 'dil3', kernel: 3, dilation: 2 },
  { name: 'dil5', kernel: 5, dilation: 2 },
] as const;

/** Channels and input widths of both cells. */
export function cellGeometry(configuration: ModelConfiguration): Readonly<
  Record<
    CellName,
    {
      channels: number;
      inputs: readonly [number, number];
      side: number;
      outputSide: number;
    }
  >
> {
  const { image, supernet, trunk } = configuration;
  const { channels, nodes, stem } = supernet;
  const side = trunk ? cellSides(configuration).normal : Math.floor(firstSide(image) / 2 / 2);
  const reduced = windowOutput(side, 3, 2, 1);
  return {
    normal: { channels, inputs: [stem[1], stem[1]], side, outputSide: side },
    reduction: {
      channels: 2 * channels,
      inputs: [stem[1], channels * nodes],
      side,
      outputSide: reduced,
    },
  };
}

/**
 * Edges out of a reduction cell's input halve the resolution; all others keep it. On a trunk the first input is a tap of
 * half the resolution already.
 */
export const strideOf = (cell: CellName, source: number, onTrunk = false): 1 | 2 =>
  cell === 'reduction' && source < 2 && !(onTrunk && source === 0) ? 2 : 1;
