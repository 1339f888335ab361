import { judgementOf, largestDifference, shownOf, verdictOf } from '../answers.ts';
import type { Answers } from '../answers.ts';
import { percent } from '../format.ts';
import type { MadeTask } from '../task.ts';
import { told } from '../words.ts';
import { Bars } from './bars.tsx';
import { LargePicture } from './large-picture.tsx';
import { Thumbnail } from './thumbnail.tsx';

interface TriedProps {
  readonly file: File;
  readonly task: MadeTask;
  readonly order: readonly string[];
  readonly answers: Answers;
  readonly threshold: number;
}

/** One image, large, with its answer. */
export function Tried({ file, task, order, answers, threshold }: TriedProps) {
  const shown = shownOf(answers);
  const { browser, server } = answers;
  const both = task.place === 'server' ? [browser, server] : [browser];
  const waiting = both.includes(undefined);
  const errors = both.flatMap((answer) => (answer instanceof Error ? [told(answer).text] : []));
  return (
    <div class="tried">
      <LargePicture file={file} />
      {shown ? (
        <Bars
          labels={task.labels}
          order={order}
          judgement={shown}
          verdict={verdictOf(shown, task.labels, threshold)}
        />
      ) : (
        waiting && <p class="hint">Looking at it …</p>
      )}
      {!shown &&
        !waiting &&
        [...new Set(errors)].map((message) => (
          <p key={message} class="error" role="alert">
            {message}
          </p>
        ))}
      {shown && <Details answers={answers} />}
    </div>
  );
}

/** How sure the answer is of being one of the classes at all, and how far browser and service agree. */
function Details({ answers }: Pick<TriedProps, 'answers'>) {
  const [here, there] = [judgementOf(answers.browser), judgementOf(answers.server)];
  const known = (here ?? there)?.known;
  return (
    <details class="fine">
      <summary>Details</summary>
      {known !== undefined && <p>Fits any of your classes: {percent(known, 1)}</p>}
      {here && there && (
        <p class="difference">
          Largest difference between this browser and the service:{' '}
          {largestDifference(here, there).toExponential(0)}
        </p>
      )}
      {!here && answers.browser instanceof Error && <p>By the service only: {answers.browser.message}</p>}
      {!there && answers.server instanceof Error && <p>By this browser only: {told(answers.server).text}</p>}
    </details>
  );
}

interface TriedListProps {
  readonly files: readonly File[];
  readonly selected: File | undefined;
  readonly answers: ReadonlyMap<File, Answers>;
  readonly labels: readonly string[];
  readonly threshold: number;
  readonly onSelect: (file: File) => void;
}

/** All images that were tried, each with its answer in a word; one of them is shown large. */
export function TriedList({ files, selected, answers, labels, threshold, onSelect }: TriedListProps) {
  return (
    <ul class="list" aria-label="Images that were tried">
      {files.map((file, i) => {
        const shown = shownOf(answers.get(file) ?? {});
        const verdict = shown && verdictOf(shown, labels, threshold);
        const word = verdict ? (verdict.foreign ? 'unknown' : verdict.best) : '…';
        return (
          <li key={`${i} ${file.name}`}>
            <button
              type="button"
              class="pick"
              aria-pressed={file === selected}
              aria-label={`${file.name}: ${word}`}
              onClick={() => onSelect(file)}
            >
              <Thumbnail file={file} alt="" />
              <span class={verdict?.foreign ? 'word foreign' : 'word'}>{word}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}
