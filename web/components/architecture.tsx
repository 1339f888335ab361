import { useEffect, useState } from 'preact/hooks';
import { cellSentence, imagesCells } from '../../drawing/cell-graph.ts';
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

/** Both cells as graphs, by the code that draws the service's pictures; Graphviz is loaded when it is needed. */
async function draw(genotype: Genotype, theme: 'dark' | 'light'): Promise<string> {
  const { drawCells } = await import('../../drawing/draw-cells.ts');
  const cells = imagesCells(genotype).map((graph) => ({ graph, caption: `${graph.name} cell` }));
  return drawCells({ title: 'Architecture', cells, theme });
}

export function Architecture({ genotype }: { readonly genotype: Genotype }) {
  const [url, setUrl] = useState<string>();
  const theme = useDark() ? 'dark' : 'light';
  useEffect(() => {
    let made: string | undefined;
    let ended = false;
    void draw(genotype, theme).then((svg) => {
      if (ended) return;
      made = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
      setUrl(made);
    });
    return () => {
      ended = true;
      if (made !== undefined) URL.revokeObjectURL(made);
    };
  }, [genotype, theme]);
  const words = imagesCells(genotype).map((graph) => `${graph.name} cell: ${cellSentence(graph)}`);
  return (
    <figure class="architecture">
      <figcaption>The architecture chosen for it</figcaption>
      <div class="scroll" tabIndex={0} role="group" aria-label="The architecture chosen for it">
        {url !== undefined && <img src={url} alt={words.join(' ')} />}
      </div>
    </figure>
  );
}
