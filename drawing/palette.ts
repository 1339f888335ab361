import type { CellOperation } from './cell-graph.ts';

/** What a colour stands for. Every edge is labelled, so no meaning hangs on a colour alone. */
export type Family = 'convolution' | 'dilated' | 'pool' | 'skip' | 'output';

export interface Palette {
  readonly paper: string;
  readonly ink: string;
  readonly frame: string;
  /** of a cell's inputs and output */
  readonly end: string;
  readonly node: string;
  readonly families: Readonly<Record<Family, string>>;
}

/** Text on paper has a contrast of 4.5 or more in either (WCAG 2.2, 1.4.3); a test computes it. */
export const palettes: Readonly<Record<'light' | 'dark', Palette>> = {
  light: {
    paper: '#ffffff',
    ink: '#1f2328',
    frame: '#8c959f',
    end: '#f3f4f6',
    node: '#e3eefb',
    families: {
      convolution: '#0058a3',
      dilated: '#7a2e9e',
      pool: '#9a4a00',
      skip: '#57606a',
      output: '#8c959f',
    },
  },
  dark: {
    paper: '#0d1117',
    ink: '#e6edf3',
    frame: '#6e7681',
    end: '#21262d',
    node: '#16304d',
    families: {
      convolution: '#79b8ff',
      dilated: '#d2a8ff',
      pool: '#ffb068',
      skip: '#adb5bd',
      output: '#6e7681',
    },
  },
};

const families: Readonly<Record<CellOperation, Family>> = {
  max_pool_3x3: 'pool',
  avg_pool_3x3: 'pool',
  skip_connect: 'skip',
  sep_conv_3x3: 'convolution',
  sep_conv_5x5: 'convolution',
  dil_conv_3x3: 'dilated',
  dil_conv_5x5: 'dilated',
  linear: 'convolution',
};

export const familyOf = (operation: CellOperation | undefined): Family =>
  operation === undefined ? 'output' : families[operation];

/** CSS that repaints a picture drawn in one palette in another: rules beat the attributes that Graphviz writes. */
export function repaint({ paper, ink, frame, end, node, families: colours }: Palette): string {
  const edges = Object.entries(colours).map(
    ([family, colour]) =>
      `.edge.${family} path{stroke:${colour}}.edge.${family} polygon{fill:${colour};stroke:${colour}}` +
      `.operation.${family} path{stroke:${colour}}.operation.${family} text{fill:${colour}}`,
  );
  return [
    `.graph>polygon,.cluster>path,.operation path{fill:${paper}}`,
    `.cluster>path,.state path{stroke:${frame}}`,
    `.cluster text,.state text{fill:${ink}}`,
    `.state path{fill:${node}}`,
    `.state.end path{fill:${end}}`,
    ...edges,
  ].join('');
}
