/** The search space of DARTS (paper, "Few Shot Classification"): eight candidate operations on every edge of a cell. */
export const operationNames = [
  'none',
  'max_pool_3x3',
  'avg_pool_3x3',
  'skip_connect',
  'sep_conv_3x3',
  'sep_conv_5x5',
  'dil_conv_3x3',
  'dil_conv_5x5',
] as const;

export type OperationName = (typeof operationNames)[number];
export const cellNames = ['normal', 'reduction'] as const;
export type CellName = (typeof cellNames)[number];

/** An edge of a decoded cell: `operation` applied to node `input` (0 and 1 are the cell's inputs). */
export interface GenotypeEdge {
  readonly operation: Exclude<OperationName, 'none'>;
  readonly input: number;
}

export interface CellGenotype {
  /** The incoming edges of each intermediate node. */
  readonly nodes: readonly (readonly GenotypeEdge[])[];
}

/** The inputs of cells that read a trunk; the reduction cell's second input is the normal cell's output. */
export const slotNames = ['normal.0', 'normal.1', 'reduction.0'] as const;
export type SlotName = (typeof slotNames)[number];

/** What a child reads of a trunk. */
export interface TapChoice {
  readonly slots: Readonly<Record<SlotName, string>>;
  /** Taps whose pooled features stand beside the cells' in the answer, in the trunk's order. */
  readonly beside: readonly string[];
}

/** Both cells, and of a network on a trunk what it reads of it. */
export type Genotype = Readonly<Record<CellName, CellGenotype>> & { readonly taps?: TapChoice };

/** The intermediate nodes (0-based) that take node `source` as input: all that come later. */
export function targetsOf(source: number, nodes: number): number[] {
  const first = Math.max(0, source - 1);
  return Array.from({ length: nodes - first }, (_, i) => first + i);
}

/** Nodes with outgoing edges: both inputs and every intermediate node but the last. */
export const sourcesOf = (nodes: number): number[] => Array.from({ length: nodes + 1 }, (_, i) => i);

/** Edges of a cell of so many intermediate nodes. */
export const edgeCount = (nodes: number): number =>
  sourcesOf(nodes).reduce((n, s) => n + targetsOf(s, nodes).length, 0);

/** Position of the first edge that leaves `source`, in the source-major order of all edges of a cell. */
export const firstEdgeOf = (source: number, nodes: number): number =>
  Array.from({ length: source }, (_, s) => targetsOf(s, nodes).length).reduce((a, b) => a + b, 0);

/** Position of the edge source -> target (an intermediate node, 0-based). */
export const edgeIndex = (source: number, target: number, nodes: number): number =>
  firstEdgeOf(source, nodes) + target - Math.max(0, source - 1);

/**
 * Softmax weights of the architecture: per cell [edges, 8], edges in source-major order; on a trunk the weights of the
 * taps.
 */
export type RelaxedArchitecture = Readonly<Record<CellName, Float32Array>> & {
  readonly taps?: RelaxedTaps;
};

/** Weights by name: those of the taps that every slot could read, and the shares of the sources, which sum to one each. */
export interface RelaxedTaps {
  readonly slots: Readonly<Record<SlotName, Readonly<Record<string, number>>>>;
  readonly shares: Readonly<Record<string, number>>;
}

/** The source of features that is no tap: the cells. */
export const cellsSource = 'cells';

/** A tap whose features have a smaller share of the answer than this is not read for them. */
const leastShare = 0.05;

/**
 * DARTS's decoding of weights [edges, operations], whose first operation is zero: every intermediate node keeps its two
 * strongest incoming edges, each by its strongest operation other than zero. Equal strengths are decided by the smaller
 * index, so decoding is deterministic.
 */
export function strongestEdges<O extends string>(
  weights: Float32Array,
  operations: readonly ['none', ...O[]],
  nodes: number,
): { readonly input: number; readonly operation: O }[][] {
  const candidates = operations.slice(1) as O[];
  const strongest = (edge: number): { operation: O; strength: number } =>
    candidates
      .map((operation, i) => ({ operation, strength: weights[edge * operations.length + i + 1]! }))
      .reduce((best, other) => (other.strength > best.strength ? other : best));
  return Array.from({ length: nodes }, (_, target) =>
    Array.from({ length: target + 2 }, (_, input) => ({
      input,
      ...strongest(edgeIndex(input, target, nodes)),
    }))
      .sort((a, b) => b.strength - a.strength || a.input - b.input)
      .slice(0, 2)
      .sort((a, b) => a.input - b.input)
      .map(({ input, operation }) => ({ input, operation })),
  );
}

/** DARTS's decoding of one cell. */
export const decodeCell = (weights: Float32Array, nodes: number): CellGenotype => ({
  nodes: strongestEdges(weights, operationNames, nodes),
});

/** DARTS's decoding of both cells. */
export function decodeGenotype(architecture: RelaxedArchitecture, nodes: number): Genotype {
  return {
    normal: decodeCell(architecture.normal, nodes),
    reduction: decodeCell(architecture.reduction, nodes),
    ...(architecture.taps ? { taps: decodeTaps(architecture.taps) } : {}),
  };
}

/** The strongest tap of every slot, the first of equals, and beside the cells the taps of a share worth reading. */
function decodeTaps({ slots, shares }: RelaxedTaps): TapChoice {
  const strongest = (weights: Readonly<Record<string, number>>): string =>
    highest(Object.entries(weights), ([, weight]) => weight)![0];
  const chosen = slotNames.map((name) => [name, strongest(slots[name])] as const);
  const beside = Object.entries(shares).filter(
    ([name, share]) => name !== cellsSource && share >= leastShare,
  );
  return {
    slots: Object.fromEntries(chosen) as Record<SlotName, string>,
    beside: beside.map(([name]) => name),
  };
}

/** How much the architecture weights favour a genotype: the sum of its operations' weights. */
export function strengthOf(architecture: RelaxedArchitecture, genotype: Genotype, nodes: number): number {
  const chosen = oneHot(genotype, nodes);
  const cells = cellNames.reduce(
    (total, cell) => architecture[cell].reduce((sum, a, i) => sum + a * chosen[cell][i]!, total),
    0,
  );
  const { taps } = genotype;
  if (!architecture.taps || !taps) return cells;
  const { slots, shares } = architecture.taps;
  const read = slotNames.reduce((total, name) => total + (slots[name][taps.slots[name]] ?? 0), 0);
  return taps.beside.reduce((total, name) => total + (shares[name] ?? 0), cells + read);
}

/**
 * The genotype of `choices` that the architecture weights favour most (strengthOf). A trained controller chooses among the
 * few architectures that its tasks decode to (4-10 in the paper).
 */
export function chooseGenotype(
  architecture: RelaxedArchitecture,
  choices: readonly Genotype[],
  nodes: number,
): Genotype {
  return (
    highest(choices, (genotype) => strengthOf(architecture, genotype, nodes)) ??
    decodeGenotype(architecture, nodes)
  );
}

/** The choice of the highest score, the first of equals; undefined where there is none. */
export function highest<T>(choices: readonly T[], score: (choice: T) => number): T | undefined {
  const [first, ...others] = choices;
  if (first === undefined) return undefined;
  return others.reduce((best, other) => (score(other) > score(best) ? other : best), first);
}

/** The one-hot architecture of a genotype: 1 at each chosen (edge, operation), 0 elsewhere. */
export function oneHot(genotype: Genotype, nodes: number): RelaxedArchitecture {
  const cell = ({ nodes: chosen }: CellGenotype): Float32Array => {
    const weights = new Float32Array(edgeCount(nodes) * operationNames.length);
    chosen.forEach((edges, target) => {
      for (const { operation, input } of edges) {
        weights[edgeIndex(input, target, nodes) * operationNames.length + operationNames.indexOf(operation)] =
          1;
      }
    });
    return weights;
  };
  const cells = { normal: cell(genotype.normal), reduction: cell(genotype.reduction) };
  return genotype.taps ? { ...cells, taps: oneHotTaps(genotype.taps) } : cells;
}

function oneHotTaps({ slots, beside }: TapChoice): RelaxedTaps {
  const chosen = slotNames.map((name) => [name, { [slots[name]]: 1 }] as const);
  const sources = [cellsSource, ...beside];
  return {
    slots: Object.fromEntries(chosen) as unknown as RelaxedTaps['slots'],
    shares: Object.fromEntries(sources.map((name) => [name, 1 / sources.length])),
  };
}

/** A short text that is equal for equal genotypes: the key of compiled graphs. */
export const genotypeKey = (genotype: Genotype): string =>
  [
    ...cellNames.map((cell) =>
      genotype[cell].nodes
        .map((edges) => edges.map((e) => `${e.input}${operationCode[e.operation]}`).join(''))
        .join('.'),
    ),
    ...(genotype.taps ? [tapKey(genotype.taps)] : []),
  ].join('/');

/** `b7,b10,b14+b14,b15`: the slots' taps in their order, and those beside the cells. */
const tapKey = ({ slots, beside }: TapChoice): string =>
  `${slotNames.map((name) => slots[name]).join()}+${beside.join()}`;

const operationCode: Readonly<Record<GenotypeEdge['operation'], string>> = {
  max_pool_3x3: 'm',
  avg_pool_3x3: 'a',
  skip_connect: 'i',
  sep_conv_3x3: 's',
  sep_conv_5x5: 'S',
  dil_conv_3x3: 'd',
  dil_conv_5x5: 'D',
};

/**
 * The genotype whose key is `key`.
 * @throws RangeError when it is no key
 */
export function parseGenotypeKey(key: string): Genotype {
  const [taps, ...cells] = key.split('/').reverse() as [string, ...string[]];
  const parts = taps.includes('+') ? cells.reverse() : [...cells.reverse(), taps];
  if (parts.length !== cellNames.length) throw new RangeError(`${key} is no genotype`);
  const [normal, reduction] = parts.map((cell) => ({
    nodes: cell.split('.').map((edges) => {
      if (!/^(\d+[a-zA-Z])+$/.test(edges)) throw new RangeError(`${key} is no genotype`);
      return Array.from(edges.matchAll(/(\d+)([a-zA-Z])/g), ([, input, code]): GenotypeEdge => {
        const operation = operationOfCode.get(code!);
        if (!operation) throw new RangeError(`${key}: there is no operation ${code!}`);
        return { operation, input: Number(input) };
      });
    }),
  }));
  const both = { normal: normal!, reduction: reduction! };
  return taps.includes('+') ? { ...both, taps: parseTapKey(taps) } : both;
}

function parseTapKey(key: string): TapChoice {
  const match = /^(\w+),(\w+),(\w+)\+((?:\w+(?:,\w+)*)?)$/.exec(key);
  if (!match) throw new RangeError(`${key} names no taps`);
  const [, fine, other, coarse, beside] = match as unknown as [string, string, string, string, string];
  return {
    slots: { 'normal.0': fine, 'normal.1': other, 'reduction.0': coarse },
    beside: beside === '' ? [] : beside.split(','),
  };
}

const operationOfCode: ReadonlyMap<string, GenotypeEdge['operation']> = new Map(
  Object.entries(operationCode).map(([operation, code]) => [code, operation as GenotypeEdge['operation']]),
);
