import { useEffect, useState } from 'preact/hooks';
import { cellSentence, imagesCells } from '../../drawing/cell-graph.ts';
import type { CellGraph } from '../../drawing/cell-graph.ts';
import type { MadeTask } from '../task.ts';

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

/** A cell as a graph, by the code that draws the service's pictures; Graphviz is loaded when it is needed. */
async function draw(graph: CellGraph, theme: 'dark' | 'light'): Promise<string> {
  const { drawCells } = await import('../../drawing/draw-cells.ts');
  const caption = `${graph.name} cell`;
  return drawCells({ title: caption, cells: [{ graph, caption }], theme });
}

export function Architecture({ genotype }: { readonly genotype: Genotype }) {
  return (
    <figure>
      <figcaption>The architecture chosen for it</figcaption>
      <div class="cells">
        {imagesCells(genotype).map((graph) => (
          <Cell key={graph.name} graph={graph} />
        ))}
      </div>
    </figure>
  );
}

function Cell({ graph }: { readonly graph: CellGraph }) {
  const [url, setUrl] = useState<string>();
  const [failed, setFailed] = useState(false);
  const theme = useDark() ? 'dark' : 'light';
  const words = `${graph.name} cell: ${cellSentence(graph)}`;
  useEffect(() => {
    let made: string | undefined;
    let ended = false;
    setFailed(false);
    draw(graph, theme).then(
      (svg) => {
        if (ended) return;
        made = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
        setUrl(made);
      },
      () => {
        if (!ended) setFailed(true);
      },
    );
    return () => {
      ended = true;
      if (made !== undefined) URL.revokeObjectURL(made);
    };
    // a graph is made anew at every turn; what it says tells whether it is another one
  }, [words, theme]);
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={`${graph.name} cell`}>
      {failed ? <p class="words">{words}</p> : url !== undefined && <img src={url} alt={words} />}
    </div>
  );
}
