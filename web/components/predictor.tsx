import { useEffect, useState } from 'preact/hooks';
import * as api from '../api.ts';
import { ask } from '../device/client.ts';
import type { Backend } from '../device/executor.ts';
import { duration, percent } from '../format.ts';
import type { MadeTask } from '../task.ts';
import { DropZone } from './drop-zone.tsx';
import { FileButton } from './file-button.tsx';
import { Thumbnail } from './thumbnail.tsx';

/** Probabilities in the order of the task's labels, or why there are none. */
type Answer = readonly number[] | Error;

/** An image's answers, by place. */
interface Answers {
  readonly browser?: Answer;
  readonly server?: Answer;
}

interface Latency {
  readonly backend: Backend;
  readonly milliseconds: number;
}

interface PredictorProps {
  readonly task: MadeTask;
  readonly files: readonly File[];
  readonly onFiles: (change: (files: readonly File[]) => readonly File[]) => void;
}

/** New images and what the task says of them: computed here from its ONNX file, and by the service beside it. */
export function Predictor({ task, files, onFiles }: PredictorProps) {
  const [answers, setAnswers] = useState<ReadonlyMap<File, Answers>>(new Map());
  const [latency, setLatency] = useState<Latency>();

  useEffect(() => {
    let ended = false;
    const tell = (file: File, part: Answers) => {
      if (!ended) setAnswers((now) => new Map(now).set(file, { ...now.get(file), ...part }));
    };
    for (const file of files.filter((each) => !answers.has(each))) {
      tell(file, {});
      void inBrowser(task, file).then(
        ({ probabilities, ...measured }) => {
          tell(file, { browser: Array.from(probabilities[0]!) });
          if (!ended) setLatency(measured);
        },
        (error: unknown) => tell(file, { browser: asError(error) }),
      );
      if (task.place === 'server')
        void onServer(task, file).then(
          (server) => tell(file, { server }),
          (error: unknown) => tell(file, { server: asError(error) }),
        );
    }
    return () => {
      ended = true;
    };
  }, [files, task]);

  return (
    <DropZone
      class="try"
      onFiles={({ plain, labelled }) =>
        onFiles((now) => [...now, ...plain, ...labelled.map(({ file }) => file)])
      }
    >
      <div class="row">
        <FileButton
          text="Choose images"
          label="Choose images to classify"
          onFiles={({ plain }) => onFiles((now) => [...now, ...plain])}
        />
        {files.length > 0 && (
          <button type="button" onClick={() => onFiles(() => [])}>
            Clear
          </button>
        )}
        <p class="hint">or drop them here</p>
      </div>
      <p role="status" class="hint">
        {latency &&
          `One image takes ${duration(latency.milliseconds)} in this browser (${latency.backend === 'webgpu' ? 'WebGPU' : 'WebAssembly'}), the picture's decoding not counted.`}
      </p>
      <ul class="predictions">
        {files.map((file, i) => (
          <Prediction
            key={`${i} ${file.name}`}
            file={file}
            labels={task.labels}
            answers={answers.get(file) ?? {}}
            place={task.place}
          />
        ))}
      </ul>
    </DropZone>
  );
}

const inBrowser = ({ id, model, size }: MadeTask, file: File) =>
  ask('predict', { key: `task ${id}`, model, size, files: [file] });

async function onServer({ id, labels }: MadeTask, file: File): Promise<readonly number[]> {
  const [prediction] = await api.predict(id, [file]);
  return labels.map((label) => prediction!.probabilities[label]!);
}

const asError = (reason: unknown): Error => (reason instanceof Error ? reason : new Error(String(reason)));

interface PredictionProps {
  readonly file: File;
  readonly labels: readonly string[];
  readonly answers: Answers;
  readonly place: MadeTask['place'];
}

const isError = (answer: Answer | undefined): answer is Error => answer instanceof Error;
const numbersOf = (answer: Answer | undefined): readonly number[] | undefined =>
  answer === undefined || isError(answer) ? undefined : answer;

function Prediction({ file, labels, answers, place }: PredictionProps) {
  const browser = numbersOf(answers.browser);
  const server = numbersOf(answers.server);
  const shown = browser ?? server;
  const best = shown && labels[shown.indexOf(Math.max(...shown))];
  return (
    <li class="card prediction">
      <Thumbnail file={file} alt={file.name} />
      <div>
        <h3>{best ?? '…'}</h3>
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
                <Bar value={browser?.[i]} />
                {place === 'server' && <Bar value={server?.[i]} />}
              </tr>
            ))}
          </tbody>
        </table>
        {browser && server && (
          <p class="hint">Largest difference: {largestDifference(browser, server).toExponential(0)}</p>
        )}
        {[answers.browser, answers.server].filter(isError).map(({ message }) => (
          <p key={message} class="error" role="alert">
            {message}
          </p>
        ))}
      </div>
    </li>
  );
}

function Bar({ value }: { readonly value: number | undefined }) {
  return (
    <td>
      {value === undefined ? (
        '…'
      ) : (
        <>
          <progress value={value} aria-hidden="true" /> {percent(value)}
        </>
      )}
    </td>
  );
}

const largestDifference = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
