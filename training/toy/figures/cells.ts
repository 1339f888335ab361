import { instance } from '@viz-js/viz';
import { parseRegressionKey } from '../../../model/regression/cell.ts';
import { families } from '../families.ts';
import type { ToyResult } from '../result.ts';

/** The most frequent architectures are drawn, so many at most. */
const drawn = 6;

/** Decoded cells of a run as graphs, the most frequent first, with the number of test tasks of every family (Fig. 4, 5). */
export async function cellsFigure({ genotypes }: ToyResult): Promise<string> {
  const keys = [...new Set(families.flatMap((family) => Object.keys(genotypes[family])))];
  const counted = keys
    .map((key) => ({ key, counts: families.map((family) => genotypes[family][key] ?? 0) }))
    .map((entry) => ({ ...entry, total: entry.counts.reduce((a, b) => a + b, 0) }))
    .sort((a, b) => b.total - a.total || (a.key < b.key ? -1 : 1))
    .slice(0, drawn);
  const clusters = counted.map(({ key, counts }, i) => {
    const label = families.map((family, f) => `${family} ${counts[f]!}`).join('\\n');
    return cluster(key, `c${i}`, label);
  });
  const dot = `digraph {
  rankdir=TB; ranksep=0.35; nodesep=0.25; fontname="Helvetica"; fontsize=10;
  node [shape=box, style="rounded,filled", fillcolor="#eef4fb", fontname="Helvetica", fontsize=10, height=0.25];
  edge [fontname="Helvetica", fontsize=9, arrowsize=0.6];
  ${clusters.join('\n')}
}`;
  const viz = await instance();
  return viz.renderString(dot, { format: 'svg' });
}

/** One cell: both of its inputs, its nodes and the mean that is its output. */
function cluster(key: string, prefix: string, label: string): string {
  const genotype = parseRegressionKey(key);
  const name = (node: number): string => `${prefix}_${node}`;
  const edges = genotype.flatMap((incoming, target) =>
    incoming.map(({ input, operation }) => {
      const shown = operation === 'linear' ? 'label="linear", color="#0072b2"' : 'label="skip", style=dashed';
      return `${name(input)} -> ${name(target + 2)} [${shown}];`;
    }),
  );
  const nodes = genotype.map((_, i) => `${name(i + 2)} [label="node ${i}"];`);
  const outputs = genotype.map((_, i) => `${name(i + 2)} -> ${prefix}_out [color="#999999"];`);
  return `subgraph cluster_${prefix} {
    label="${label}"; labelloc=b; color="#cccccc";
    ${name(0)} [label="input 0", fillcolor="#f5f5f5"]; ${name(1)} [label="input 1", fillcolor="#f5f5f5"];
    ${nodes.join(' ')} ${prefix}_out [label="mean", fillcolor="#f5f5f5"];
    ${edges.join(' ')} ${outputs.join(' ')}
  }`;
}
