import { edgeLabel, imagesCells, regressionCell } from '../../drawing/cell-graph.ts';
import type { CellGraph } from '../../drawing/cell-graph.ts';
import type { CellsPicture, Theme } from '../../drawing/draw-cells.ts';
import type { Schema } from '../../contract/schema.ts';
import type { TaskRecord } from '../storage/record.ts';

/** The cells of a task's network as graphs. */
const cellsOf = (record: TaskRecord): readonly CellGraph[] =>
  record.kind === 'images'
    ? imagesCells(record.architecture.genotype)
    : [regressionCell(record.architecture.genotype)];

/** The architecture of a task as graphs for programs. */
export function describeArchitecture(record: TaskRecord): Schema<'Architecture'> {
  const { id, kind, architecture } = record;
  return {
    id,
    kind,
    weights: architecture.weights,
    multiplyAdds: architecture.multiplyAdds,
    cells: cellsOf(record).map(({ name, nodes, edges }) => ({
      name,
      nodes: [...nodes],
      edges: edges.map((edge) => ({ ...edge, label: edgeLabel(edge) })),
    })),
  };
}

/** The architecture of a task as a picture: it follows from the genotype alone, so equal architectures look equal. */
export function pictureOf(record: TaskRecord, theme: Theme): CellsPicture {
  const cells = cellsOf(record).map((graph) => ({
    graph,
    caption: graph.name === 'cell' ? 'cell' : `${graph.name} cell`,
  }));
  const title = `Architecture chosen for a task of ${record.kind}: ${cells.map(({ caption }) => caption).join(' and ')}`;
  return { title, cells, theme };
}
