import { cellNames } from '../model/search-space/genotype.ts';
import type { CellName, Genotype, GenotypeEdge, TapChoice } from '../model/search-space/genotype.ts';
import type { RegressionEdge, RegressionGenotype } from '../model/regression/cell.ts';
import { strideOf } from '../model/search-space/geometry.ts';

export type CellOperation = GenotypeEdge['operation'] | RegressionEdge['operation'];

/** `id` counts as a genotype's `input` does: 0 and 1 are the cell's inputs, 2 its first node; the output comes last. */
export interface CellNode {
  readonly id: number;
  readonly role: 'input' | 'node' | 'output';
  readonly label: string;
}

export interface CellEdge {
  readonly from: number;
  readonly to: number;
  /** Absent on the edges to the output, which take the nodes as they are. */
  readonly operation?: CellOperation;
  readonly stride?: 1 | 2;
}

/** A decoded cell as a graph. */
export interface CellGraph {
  readonly name: CellName | 'cell';
  readonly nodes: readonly CellNode[];
  readonly edges: readonly CellEdge[];
}

interface Surroundings {
  readonly name: CellGraph['name'];
  readonly inputs: readonly [string, string];
  readonly output: string;
  readonly stride?: (input: number) => 1 | 2;
}

function cellGraph(
  nodes: readonly (readonly { readonly operation: CellOperation; readonly input: number }[])[],
  { name, inputs, output, stride }: Surroundings,
): CellGraph {
  const last = nodes.length + 2;
  return {
    name,
    nodes: [
      ...inputs.map((label, id): CellNode => ({ id, role: 'input', label })),
      ...nodes.map((_, i): CellNode => ({ id: i + 2, role: 'node', label: `node ${i}` })),
      { id: last, role: 'output', label: output },
    ],
    edges: [
      ...nodes.flatMap((incoming, target) =>
        incoming.map(({ input, operation }): CellEdge => {
          const edge = { from: input, to: target + 2, operation };
          return stride ? { ...edge, stride: stride(input) } : edge;
        }),
      ),
      ...nodes.map((_, i): CellEdge => ({ from: i + 2, to: last })),
    ],
  };
}

/** What the cells of the child get and become (`childFunction` in model/adaptation/export-child.ts). */
const imagesSurroundings: Readonly<Record<CellName, Omit<Surroundings, 'name' | 'stride'>>> = {
  normal: { inputs: ['input 0: stem', 'input 1: stem'], output: 'concatenation' },
  reduction: { inputs: ['input 0: stem', 'input 1: normal cell'], output: 'concatenation' },
};

/** The same on a trunk (`trunkChildFunction` in model/adaptation/trunk-child.ts): inputs are its planes. */
const trunkSurroundings = ({ slots }: TapChoice): typeof imagesSurroundings => ({
  normal: {
    inputs: [`input 0: ${slots['normal.0']}`, `input 1: ${slots['normal.1']}`],
    output: 'concatenation',
  },
  reduction: {
    inputs: [`input 0: ${slots['reduction.0']}`, 'input 1: normal cell'],
    output: 'concatenation',
  },
});

/** Both cells of a network for images. */
export function imagesCells(genotype: Genotype): CellGraph[] {
  const surroundings = genotype.taps ? trunkSurroundings(genotype.taps) : imagesSurroundings;
  return cellNames.map((name) =>
    cellGraph(genotype[name].nodes, {
      name,
      ...surroundings[name],
      stride: (input) => strideOf(name, input, genotype.taps !== undefined),
    }),
  );
}

/** The cell of a network for regression. */
export const regressionCell = (genotype: RegressionGenotype): CellGraph =>
  cellGraph(genotype, { name: 'cell', inputs: ['input 0: stem', 'input 1: stem'], output: 'mean' });

const operationLabels: Readonly<Record<CellOperation, string>> = {
  max_pool_3x3: 'max pool 3×3',
  avg_pool_3x3: 'average pool 3×3',
  skip_connect: 'skip',
  sep_conv_3x3: 'separable conv 3×3',
  sep_conv_5x5: 'separable conv 5×5',
  dil_conv_3x3: 'dilated conv 3×3',
  dil_conv_5x5: 'dilated conv 5×5',
  linear: 'linear',
};

/** What an edge does, in words; empty for an edge to the output. */
export const edgeLabel = ({ operation, stride }: CellEdge): string =>
  operation === undefined ? '' : `${operationLabels[operation]}${stride === 2 ? ', stride 2' : ''}`;

/** A cell in one sentence: what every node adds up. */
export function cellSentence({ nodes, edges }: CellGraph): string {
  const label = (id: number) => nodes[id]!.label;
  const sums = nodes
    .filter(({ role }) => role === 'node')
    .map(({ id }) => {
      const parts = edges
        .filter(({ to }) => to === id)
        .map((edge) => `${edgeLabel(edge)} of ${label(edge.from)}`);
      return `${label(id)} is ${parts.join(' plus ')}`;
    });
  return `${sums.join('; ')}; the output is the ${nodes.at(-1)!.label} of all nodes.`;
}
