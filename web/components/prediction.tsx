import { judgementOf, largestDifference, shownOf, verdictOf } from '../answers.ts';
import type { Answer, Answers } from '../answers.ts';
import { percent } from '../format.ts';
import type { Place } from '../task.ts';
import { Thumbnail } from './thumbnail.tsx';

interface PredictionProps {
  readonly file: File;
  readonly labels: readonly string[];
  readonly answers: Answers;
  readonly place: Place;
  readonly threshold: number;
}

/** An image with its answers side by side. */
export function Prediction({ file, labels, answers, place, threshold }: PredictionProps) {
  const { browser, server } = answers;
  const columns = place === 'server' ? [browser, server] : [browser];
  const [here, there] = columns.map(judgementOf);
  const known = columns.some((answer) => judgementOf(answer)?.known !== undefined);
  const errors = columns.flatMap((answer) => (answer instanceof Error ? [answer.message] : []));
  return (
    <li class="card prediction">
      <Thumbnail file={file} alt={file.name} />
      <div>
        <Heading
          answers={answers}
          waiting={columns.includes(undefined)}
          labels={labels}
          threshold={threshold}
        />
        <table class="bars">
          <caption class="hidden">Probabilities of {file.name}</caption>
          <thead>
            <tr>
              <th scope="col">class</th>
              <th scope="col">this browser</th>
              {place === 'server' && <th scope="col">service</th>}
            </tr>
          </thead>
          <tbody>
            {labels.map((label, i) => (
              <tr key={label}>
                <th scope="row">{label}</th>
                {columns.map((answer, column) => (
                  <Bar key={column} answer={answer} value={judgementOf(answer)?.probabilities[i]} />
                ))}
              </tr>
            ))}
          </tbody>
          {known && (
            <tfoot>
              <tr>
                <th scope="row">any of these</th>
                {columns.map((answer, column) => (
                  <Bar key={column} answer={answer} value={judgementOf(answer)?.known} />
                ))}
              </tr>
            </tfoot>
          )}
        </table>
        {here && there && (
          <p class="hint">Largest difference: {largestDifference(here, there).toExponential(0)}</p>
        )}
        {[...new Set(errors)].map((message) => (
          <p key={message} class="error" role="alert">
            {message}
          </p>
        ))}
      </div>
    </li>
  );
}

interface HeadingProps {
  readonly answers: Answers;
  /** whether an answer may still come */
  readonly waiting: boolean;
  readonly labels: readonly string[];
  readonly threshold: number;
}

function Heading({ answers, waiting, labels, threshold }: HeadingProps) {
  const shown = shownOf(answers);
  if (!shown) return <h3>{waiting ? '…' : 'not readable'}</h3>;
  const { best, foreign } = verdictOf(shown, labels, threshold);
  if (!foreign) return <h3>{best}</h3>;
  return (
    <>
      <h3>unknown</h3>
      <p class="hint">most like {best}</p>
    </>
  );
}

interface BarProps {
  readonly answer: Answer | undefined;
  readonly value: number | undefined;
}

/** A share; «…» while it is awaited, «–» where there is none. */
function Bar({ answer, value }: BarProps) {
  return (
    <td>
      {value === undefined ? (
        answer === undefined ? (
          '…'
        ) : (
          '–'
        )
      ) : (
        <>
          <progress value={value} aria-hidden="true" /> {percent(value)}
        </>
      )}
    </td>
  );
}
