import { describe, expect, it } from 'vitest';
import { imagesCells, regressionCell } from '../../drawing/cell-graph.ts';
import { drawCells } from '../../drawing/draw-cells.ts';
import { palettes } from '../../drawing/palette.ts';
import type { Palette } from '../../drawing/palette.ts';
import { decodeGenotype, edgeCount } from '../../model/search-space/genotype.ts';
import type { Genotype } from '../../model/search-space/genotype.ts';
import { testRandom } from '../support/random.ts';

const next = testRandom(5);
const random = (): Genotype => {
  const weights = (): Float32Array => Float32Array.from({ length: 8 * edgeCount(4) }, () => next());
  return decodeGenotype({ normal: weights(), reduction: weights() }, 4);
};
const pictureOf = (genotype: Genotype, theme: 'auto' | 'light' | 'dark' = 'auto') =>
  drawCells({
    title: 'A & B',
    cells: imagesCells(genotype).map((graph) => ({ graph, caption: graph.name })),
    theme,
  });

/** Boxes of a document: their text and where they are. */
const boxesOf = (svg: string) =>
  [...svg.matchAll(/class="node (\w+)[^"]*">[^]*?<path [^>]*d="([^"]*)"[^]*?<text[^>]*>([^<]*)</g)].map(
    ([, kind, path, text]) => {
      const numbers = [...path!.matchAll(/(-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
      const [xs, ys] = [0, 1].map((axis) => numbers.map((point) => point[axis]!)) as [number[], number[]];
      const box = {
        left: Math.min(...xs),
        right: Math.max(...xs),
        top: Math.min(...ys),
        bottom: Math.max(...ys),
      };
      return { kind: kind!, text: text!, ...box };
    },
  );

describe('imagesCells', () => {
  it('names the planes of a trunk that the inputs read; there the reduction cell halves its second input only', () => {
    const { normal, reduction } = random();
    const taps = { slots: { 'normal.0': 'b7', 'normal.1': 'b10', 'reduction.0': 'b14' }, beside: ['b15'] };
    const cells = imagesCells({ normal, reduction, taps });
    const inputs = cells.flatMap(({ nodes }) => nodes.slice(0, 2).map(({ label }) => label));
    expect(inputs).toEqual(['input 0: b7', 'input 1: b10', 'input 0: b14', 'input 1: normal cell']);
    for (const { from, stride } of cells[1]!.edges)
      if (stride !== undefined) expect(stride).toBe(from === 1 ? 2 : 1);
  });
});

describe('drawCells', () => {
  it('draws every node and operation in a box of its own, none over another, the normal cell first', async () => {
    for (let i = 0; i < 5; i++) {
      const svg = await pictureOf(random());
      const boxes = boxesOf(svg);
      // per cell two inputs, four nodes, the output, and two operations a node
      expect(boxes.filter(({ kind }) => kind === 'state')).toHaveLength(14);
      expect(boxes.filter(({ kind }) => kind === 'operation')).toHaveLength(16);
      for (const [at, a] of boxes.entries())
        for (const b of boxes.slice(at + 1)) {
          const apart = a.right < b.left || b.right < a.left || a.bottom < b.top || b.bottom < a.top;
          expect(apart, `${a.text} and ${b.text}`).toBe(true);
        }
      const [normal, reduction] = ['normal', 'reduction'].map((name) =>
        Number(new RegExp(`y="([-\\d.]+)"[^>]*>${name}<`).exec(svg)![1]),
      );
      expect(normal).toBeLessThan(reduction!);
    }
  });

  it('gives the same bytes for the same picture, well-formed and without anything from outside', async () => {
    const genotype = random();
    const svg = await pictureOf(genotype);
    expect(await pictureOf(genotype)).toBe(svg);
    expect(svg).toMatch(/<title>A &amp; B<\/title>/);
    expect(svg).not.toMatch(/href|url\(|<script|<!--/);
    expect(svg).toContain('prefers-color-scheme:dark');
    expect(await pictureOf(genotype, 'dark')).not.toContain('<style>');
  });

  it('says in words what it shows', async () => {
    const cell = regressionCell([
      [
        { operation: 'linear', input: 0 },
        { operation: 'skip_connect', input: 1 },
      ],
    ]);
    const svg = await drawCells({ title: 't', cells: [{ graph: cell, caption: 'cell' }], theme: 'light' });
    expect(svg).toContain(
      '<desc>cell: node 0 is linear of input 0: stem plus skip of input 1: stem; the output is the mean of all nodes.</desc>',
    );
  });
});

describe('the palettes', () => {
  /** Relative luminance of a colour (WCAG 2.2). */
  const luminance = (colour: string): number => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const value = parseInt(colour.slice(at, at + 2), 16) / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const contrast = (a: string, b: string): number => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high! + 0.05) / (low! + 0.05);
  };

  it.each(Object.entries(palettes))(
    '%s has text of contrast 4.5 and lines of contrast 3',
    (_, palette: Palette) => {
      const { paper, ink, end, node, frame, families } = palette;
      const { output, ...labelled } = families;
      for (const ground of [paper, end, node]) expect(contrast(ink, ground)).toBeGreaterThan(4.5);
      for (const colour of Object.values(labelled)) expect(contrast(colour, paper)).toBeGreaterThan(4.5);
      for (const colour of [output, frame]) expect(contrast(colour, paper)).toBeGreaterThan(3);
    },
  );
});
