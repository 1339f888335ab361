import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { nameOf } from '../draft.ts';
import { percent } from '../format.ts';
import { advice, explained, toneOf, verdict } from '../quality.ts';
import type { DoubtfulImage, Quality } from '../quality.ts';
import { sourceClasses } from '../shown.ts';
import type { Shown } from '../shown.ts';
import { canEstimate, qualityOf } from '../task.ts';
import { told } from '../words.ts';
import { Confusion } from './confusion.tsx';
import { Interval } from './interval.tsx';
import { Thumbnail } from './thumbnail.tsx';
import type { DraftState } from './use-draft.ts';

type State =
  | { readonly kind: 'working' }
  | { readonly kind: 'known'; readonly quality: Quality }
  | { readonly kind: 'unknown'; readonly reason: string };

/** How good a classifier is: images are left out in turn, and told by the rest. */
function useQuality({ task, source }: Pick<Shown, 'task' | 'source'>): State {
  const [state, setState] = useState<State>({ kind: 'working' });
  useEffect(() => {
    const abort = new AbortController();
    const classes = sourceClasses({ task, source });
    const unknown = (reason: string) => setState({ kind: 'unknown', reason });
    if (!classes) {
      const evaluation = task.evaluation ?? task.estimated?.evaluation;
      if (evaluation) setState({ kind: 'known', quality: { evaluation, doubtful: [] } });
      else unknown('Its photos are not in this browser, so it cannot be checked here.');
      return undefined;
    }
    if (!canEstimate(classes)) {
      unknown('Every class has one photo only, so none can be left out to check it. Add more.');
      return undefined;
    }
    setState({ kind: 'working' });
    qualityOf(task, classes, abort.signal).then(
      (quality) => {
        if (abort.signal.aborted) return;
        if (quality) setState({ kind: 'known', quality });
        else unknown('There are too few photos to check it.');
      },
      (error: unknown) => {
        if (!abort.signal.aborted) unknown(told(error, classes).text);
      },
    );
    return () => abort.abort();
  }, [task, source]);
  return state;
}

interface AnswerProps {
  readonly shown: Shown;
  readonly state: DraftState;
  /** what can be done with it */
  readonly children: ComponentChildren;
}

/** How good the classifier is, what it was unsure of, and what would help. */
export function Answer({ shown, state, children }: AnswerProps) {
  const quality = useQuality(shown);
  const evaluation = quality.kind === 'known' ? quality.quality.evaluation : undefined;
  const help = quality.kind === 'working' ? [] : advice(shown.task.shots, evaluation);
  return (
    <div class="answer">
      <div role="status" class={`judged ${evaluation ? toneOf(evaluation) : ''}`}>
        {quality.kind === 'working' && <p class="hint">Checking it: leaving out photos in turn …</p>}
        {quality.kind === 'unknown' && <p>{quality.reason}</p>}
        {evaluation && (
          <>
            <p class="verdict">
              <strong>{percent(evaluation.accuracy)}</strong> {verdict(evaluation)}
            </p>
            <Interval {...evaluation} />
            <p>{explained(evaluation)}</p>
          </>
        )}
      </div>
      <div class="row">{children}</div>
      {quality.kind === 'known' && <Doubtful images={quality.quality.doubtful} state={state} />}
      {help.length > 0 && (
        <div>
          <h3>What would help</h3>
          <ul class="advice">
            {help.map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </div>
      )}
      {evaluation && (
        <details>
          <summary>Which class is taken for which</summary>
          <Confusion figures={evaluation} />
        </details>
      )}
    </div>
  );
}

/** Images that are shown; of more there is the number only. */
const shownImages = 6;

/** Images that were told wrong when they were left out, and two ways to mend each. */
function Doubtful({
  images,
  state,
}: {
  readonly images: readonly DoubtfulImage[];
  readonly state: DraftState;
}) {
  const { draft } = state;
  const still = images.flatMap((image) => {
    const from = draft.find(({ shots }) => shots.some(({ file }) => file === image.file));
    const shot = from?.shots.find(({ file }) => file === image.file);
    if (!from || !shot || nameOf(from) !== image.label) return [];
    return [{ ...image, from, shot, to: draft.find((entry) => nameOf(entry) === image.given) }];
  });
  if (still.length === 0) return null;
  return (
    <div>
      <h3>Look at these again</h3>
      <ul class="doubts">
        {still.slice(0, shownImages).map(({ file, label, given, from, shot, to }) => (
          <li key={shot.key}>
            <Thumbnail file={file} alt={file.name} />
            <div>
              <p>
                In “{label}”, but looks like “{given}”.
              </p>
              <div class="row">
                {to && (
                  <button
                    type="button"
                    aria-label={`Move ${file.name} to ${given}`}
                    onClick={() => state.moveShot(shot, from, to)}
                  >
                    Move
                  </button>
                )}
                <button
                  type="button"
                  aria-label={`Remove ${file.name}, which is doubtful`}
                  onClick={() => state.removeShot(shot)}
                >
                  Remove
                </button>
              </div>
            </div>
          </li>
        ))}
      </ul>
      {still.length > shownImages && <p class="hint">And {still.length - shownImages} more.</p>}
    </div>
  );
}
