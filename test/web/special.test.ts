import { expect, it } from 'vitest';
import type { Genotype, GenotypeEdge } from '../../model/search-space/genotype.ts';
import { learned, specialOf } from '../../web/special.ts';

const cell = (...operations: readonly GenotypeEdge['operation'][]) => ({
  nodes: [operations.map((operation) => ({ operation, input: 0 }))],
});
const genotype: Genotype = {
  normal: cell('sep_conv_3x3', 'sep_conv_3x3'),
  reduction: cell('skip_connect', 'sep_conv_3x3'),
};
const architecture = { genotype, weights: 1, multiplyAdds: 1 };

it('one sentence says what a network mostly does, and whether it minds left and right', () => {
  expect(specialOf({ architecture, mirrored: true })).toBe(
    'For your photos it mostly relies on small filters (3 of 4 connections), and looks at every photo together with its mirror image, since left and right do not matter here.',
  );
  const taps = { slots: { 'normal.0': 'a', 'normal.1': 'b', 'reduction.0': 'b' }, beside: ['c'] };
  const onTrunk = specialOf({
    architecture: { ...architecture, genotype: { ...genotype, taps } },
    mirrored: false,
  });
  expect(onTrunk).toContain('reads three depths of the pretrained network, and keeps left and right apart');
});

it('what the steps changed', () => {
  const support = { before: { loss: 1, accuracy: 0.5 }, after: { loss: 0, accuracy: 1 } };
  expect(learned({ support, steps: 5 }).replace(/\u00a0/g, ' ')).toBe(
    'Of its own photos it told 50 % right before the 5 steps and 100 % after them.',
  );
  expect(learned({ support, steps: 0 })).toBe('It was fitted to its photos at once, without steps.');
});
