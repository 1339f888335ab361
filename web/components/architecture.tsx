import { useEffect, useState } from 'preact/hooks';
import type { CellGraph } from '../../drawing/cell-graph.ts';
import type { MadeTask } from '../task.ts';
import { useObjectUrl } from './use-object-url.ts';

const dark = matchMedia('(prefers-color-scheme: dark)');

/** Whether the reader's colour scheme is dark, also after it changes. */
function useDark(): boolean {
  const [is, setIs] = useState(dark.matches);
  useEffect(() => {
    const update = () => setIs(dark.matches);
    dark.addEventListener('change', update);
    return () => dark.removeEventListener('change', update);
  }, []);
  return is;
}

type Genotype = MadeTask['architecture']['genotype'];

/** A cell, and what it is in words. */
interface DescribedCell {
  readonly graph: CellGraph;
  readonly words: string;
}

/** Loaded when it is needed, since it brings the whole search space with it. */
async function described(genotype: Genotype): Promise<readonly DescribedCell[]> {
  const { cellSentence, imagesCells } = await import('../../drawing/cell-graph.ts');
  return imagesCells(genotype).map((graph) => ({
    graph,
    words: `${graph.name} cell: ${cellSentence(graph)}`,
  }));
}

/** A cell as a graph, by the code that draws the service's pictures; Graphviz is loaded when it is needed. */
async function draw(graph: CellGraph, theme: 'dark' | 'light'): Promise<string> {
  const { drawCells } = await import('../../drawing/draw-cells.ts');
  const caption = `${graph.name} cell`;
  return drawCells({ title: caption, cells: [{ graph, caption }], theme });
}

export function Architecture({ genotype }: { readonly genotype: Genotype }) {
  const [cells, setCells] = useState<readonly DescribedCell[]>([]);
  useEffect(() => {
    let ended = false;
    // without the pictures, what is said of them above is still there
    described(genotype).then(
      (found) => {
        if (!ended) setCells(found);
      },
      () => undefined,
    );
    return () => {
      ended = true;
    };
  }, [genotype]);
  return (
    <figure>
      <figcaption>The architecture chosen for it</figcaption>
      <div class="cells">
        {cells.map((cell) => (
          <Cell key={cell.graph.name} cell={cell} />
        ))}
      </div>
    </figure>
  );
}

function Cell({ cell: { graph, words } }: { readonly cell: DescribedCell }) {
  const [drawing, setDrawing] = useState<Blob>();
  const url = useObjectUrl(drawing);
  const [failed, setFailed] = useState(false);
  const theme = useDark() ? 'dark' : 'light';
  useEffect(() => {
    let ended = false;
    setFailed(false);
    draw(graph, theme).then(
      (svg) => {
        if (!ended) setDrawing(new Blob([svg], { type: 'image/svg+xml' }));
      },
      () => {
        if (!ended) setFailed(true);
      },
    );
    return () => {
      ended = true;
    };
    // a graph is made anew at every turn; what it says tells whether it is another one
  }, [words, theme]);
  const [large, setLarge] = useState(false);
  return (
    <div>
      <div
        class={`scroll ${large ? 'large' : ''}`}
        tabIndex={0}
        role="group"
        aria-label={`${graph.name} cell`}
      >
        {failed ? <p class="words">{words}</p> : url !== undefined && <img src={url} alt={words} />}
      </div>
      {!failed && (
        <button
          type="button"
          class="link"
          aria-pressed={large}
          aria-label={`Enlarge the ${graph.name} cell`}
          onClick={() => setLarge(!large)}
        >
          Enlarge
        </button>
      )}
    </div>
  );
}
