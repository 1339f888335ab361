import { useEffect, useState } from 'preact/hooks';
import type { Schema } from '../../contract/schema.ts';
import type { ClassFiles } from '../api.ts';
import { percent } from '../format.ts';
import { estimateOf } from '../task.ts';
import type { MadeTask } from '../task.ts';

interface EstimateProps {
  readonly task: MadeTask;
  readonly classes: readonly ClassFiles[];
}

type State =
  | { readonly kind: 'working' }
  | { readonly kind: 'known'; readonly figures: Schema<'ImagesEvaluation'> }
  | { readonly kind: 'unknown'; readonly reason: string };

/** How accurate the task is on images that it has not seen: images are left out in turn, and classified by the rest. */
export function Estimate({ task, classes }: EstimateProps) {
  const [state, setState] = useState<State>({ kind: 'working' });
  useEffect(() => {
    const abort = new AbortController();
    setState({ kind: 'working' });
    estimateOf(task, classes, abort.signal).then(
      (figures) =>
        setState(figures ? { kind: 'known', figures } : { kind: 'unknown', reason: 'too few images' }),
      (error: unknown) => {
        if (abort.signal.aborted) return;
        setState({ kind: 'unknown', reason: error instanceof Error ? error.message : String(error) });
      },
    );
    return () => abort.abort();
  }, [task, classes]);
  return (
    <figure>
      <figcaption>Estimated accuracy on new images</figcaption>
      <div role="status">
        {state.kind === 'working' && 'Leaving out images in turn …'}
        {state.kind === 'unknown' && `It could not be estimated: ${state.reason}`}
        {state.kind === 'known' && <Sentence figures={state.figures} />}
      </div>
      {state.kind === 'known' && <Confusion figures={state.figures} />}
    </figure>
  );
}

function Sentence({ figures }: { readonly figures: Schema<'ImagesEvaluation'> }) {
  const { accuracy, interval, images } = figures;
  const [from, to] = interval as [number, number];
  return (
    <p>
      <strong>{percent(accuracy)}</strong> of {images} images that were left out were told right; with so few
      images it may be from {percent(from)} to {percent(to)}.
    </p>
  );
}

function Confusion({ figures: { labels, confusion } }: { readonly figures: Schema<'ImagesEvaluation'> }) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Confusion matrix">
      <table class="confusion">
        <caption class="hint">
          Images by their class (rows) and by the class that they were taken for (columns)
        </caption>
        <thead>
          <tr>
            <td />
            {labels.map((label) => (
              <th key={label} scope="col">
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {labels.map((label, row) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              {confusion[row]!.map((count, column) => (
                <td key={labels[column]} class={count === 0 ? 'none' : row === column ? 'right' : ''}>
                  {count}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
