import { instance } from '@viz-js/viz';
import type { Viz } from '@viz-js/viz';
import { cellSentence, edgeLabel } from './cell-graph.ts';
import type { CellEdge, CellGraph } from './cell-graph.ts';
import { familyOf, palettes, repaint } from './palette.ts';
import type { Palette } from './palette.ts';

/** `auto` follows the reader's colour scheme, and is light where nothing is known of it. */
export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

export interface CellsPicture {
  readonly title: string;
  readonly cells: readonly { readonly graph: CellGraph; readonly caption: string }[];
  readonly theme: Theme;
}

let graphviz: Promise<Viz> | undefined;

/** Compiled once a thread; a failure is not kept, since the next try may find the network again. */
function compiled(): Promise<Viz> {
  graphviz ??= instance().catch((error: unknown) => {
    graphviz = undefined;
    throw error;
  });
  return graphviz;
}

/**
 * Cells as labelled graphs, one below the other, an SVG document of the same bytes for the same picture. `title` and `desc` say
 * in words what it shows; it needs nothing from outside.
 */
export async function drawCells({ title, cells, theme }: CellsPicture): Promise<string> {
  const viz = await compiled();
  const palette = palettes[theme === 'dark' ? 'dark' : 'light'];
  const svg = viz.renderString(
    {
      graphAttributes: {
        rankdir: 'LR',
        ranksep: 0.3,
        nodesep: 0.12,
        bgcolor: palette.paper,
        fontcolor: palette.ink,
        fontname: font,
        fontsize: 13,
      },
      nodeAttributes: {
        shape: 'box',
        style: 'rounded,filled',
        color: palette.frame,
        fontcolor: palette.ink,
        fontname: font,
        fontsize: 12,
        height: 0.3,
      },
      edgeAttributes: { arrowsize: 0.6 },
      subgraphs: cells.map(({ graph, caption }, i) => cluster(graph, caption, i, palette)).reverse(),
    },
    { format: 'svg' },
  );
  const description = cells
    .map(({ graph, caption }) => `${caption.replaceAll('\n', ', ')}: ${cellSentence(graph)}`)
    .join(' ');
  return accessible(svg, title, description, theme);
}

const font = 'Helvetica,Arial,sans-serif';

/** A backslash would begin an escape of Graphviz's. */
const plain = (text: string): string => text.replaceAll('\\', '\\\\');

/** A cell in a frame. Every operation is a box of its own between two nodes: labels of edges would overlap. */
function cluster({ name, nodes, edges }: CellGraph, caption: string, position: number, palette: Palette) {
  // names become the tooltips of the boxes
  const prefix = `${name}${position > 0 ? ` ${position}` : ''}: `;
  const nameOf = (id: number): string => `${prefix}${nodes[id]!.label}`;
  const states = nodes.map(({ id, role, label }) => ({
    name: nameOf(id),
    attributes: {
      label: plain(label),
      class: role === 'node' ? 'state' : 'state end',
      fillcolor: role === 'node' ? palette.node : palette.end,
    },
  }));
  const drawn = edges.map((edge) => drawEdge(edge, prefix, nameOf, palette));
  return {
    name: `cluster_${position}`,
    graphAttributes: { label: plain(caption), labelloc: 't', color: palette.frame, style: 'rounded' },
    nodes: [...states, ...drawn.flatMap(({ box }) => box)],
    edges: drawn.flatMap(({ lines }) => lines),
  };
}

/** An edge with an operation is a line to its box and an arrow from there; one without is an arrow. */
function drawEdge(
  edge: CellEdge,
  prefix: string,
  nameOf: (id: number) => string,
  { paper, families }: Palette,
) {
  const family = familyOf(edge.operation);
  const color = families[family];
  const attributes = { class: family, color, ...(family === 'skip' ? { style: 'dashed' } : {}) };
  const [tail, head] = [nameOf(edge.from), nameOf(edge.to)];
  if (edge.operation === undefined) return { box: [], lines: [{ tail, head, attributes }] };
  const label = edgeLabel(edge);
  const name = `${prefix}${label} from ${edge.from} to ${edge.to}`;
  return {
    box: [
      {
        name,
        attributes: {
          label,
          class: `operation ${family}`,
          color,
          fontcolor: color,
          fillcolor: paper,
          fontsize: 11,
          height: 0.25,
          margin: '0.16,0.03',
        },
      },
    ],
    lines: [
      { tail, head: name, attributes: { ...attributes, arrowhead: 'none' } },
      { tail: name, head, attributes },
    ],
  };
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Graphviz's document as one that can stand alone or in a page: no prologue, a role, a title, a description, a style. */
function accessible(svg: string, title: string, description: string, theme: Theme): string {
  const style =
    theme === 'auto' ? `<style>@media (prefers-color-scheme:dark){${repaint(palettes.dark)}}</style>\n` : '';
  const head = `<title>${escaped(title)}</title>\n<desc>${escaped(description)}</desc>\n${style}`;
  return svg
    .slice(svg.indexOf('<svg'))
    .replaceAll(/<!--[^]*?-->\n/g, '')
    .replace(/<svg width="(\d+)pt" height="(\d+)pt"/, '<svg role="img" width="$1" height="$2"')
    .replace(/>\n/, (end) => `${end}${head}`);
}
