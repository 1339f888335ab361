import { describe, expect, it } from 'vitest';
import {
  cellNames,
  decodeGenotype,
  edgeCount,
  oneHot,
  operationNames,
} from '../../../model/search-space/genotype.ts';
import type { RelaxedArchitecture } from '../../../model/search-space/genotype.ts';
import { decidedBy } from '../../../training/outer-loop/search-progress.ts';

const nodes = 2;
const everyEdge = (row: readonly number[]): RelaxedArchitecture => {
  const cell = (): Float32Array =>
    Float32Array.from(Array.from({ length: edgeCount(nodes) }, () => row).flat());
  return { normal: cell(), reduction: cell() };
};
const drawn = (architecture: RelaxedArchitecture) => ({
  architecture,
  genotype: decodeGenotype(architecture, nodes),
});
const uniform = everyEdge(operationNames.map(() => 1 / operationNames.length));

describe('how far a search has decided', () => {
  it('is nowhere where all operations weigh the same', () => {
    const { chosen, entropy } = decidedBy([drawn(uniform)], nodes);
    expect(chosen).toBeCloseTo(1 / operationNames.length, 6);
    expect(entropy).toBeCloseTo(1, 6);
  });

  it('is at its end where every edge has one operation', () => {
    const decided = everyEdge(operationNames.map((name) => (name === 'sep_conv_3x3' ? 1 : 0)));
    expect(decidedBy([drawn(decided)], nodes)).toEqual({ chosen: 1, entropy: 0 });
  });

  it('tells α of the edges that decoding keeps, a mean over tasks', () => {
    const half = everyEdge([0.5, 0, 0, 0.5, 0, 0, 0, 0]);
    const { chosen, entropy } = decidedBy([drawn(half), drawn(uniform)], nodes);
    expect(chosen).toBeCloseTo((0.5 + 1 / 8) / 2, 6);
    expect(entropy).toBeCloseTo((Math.log(2) / Math.log(8) + 1) / 2, 6);
  });

  it('counts kept edges alone', () => {
    const { genotype, architecture } = drawn(uniform);
    const kept = oneHot(genotype, nodes);
    const sharper = Object.fromEntries(
      cellNames.map((cell) => [cell, architecture[cell].map((a, i) => Math.max(a, kept[cell][i]! * 0.7))]),
    ) as unknown as RelaxedArchitecture;
    expect(decidedBy([{ genotype, architecture: sharper }], nodes).chosen).toBeCloseTo(0.7, 6);
  });
});
