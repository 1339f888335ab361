import { useEffect, useRef, useState } from 'preact/hooks';
import { answerHere, answersOfService, shownOf, spoken, verdictOf } from '../answers.ts';
import type { Answers } from '../answers.ts';
import { ask } from '../device/client.ts';
import type { Latency } from '../device/messages.ts';
import type { ChosenFiles } from '../files.ts';
import { duration } from '../format.ts';
import type { MadeTask } from '../task.ts';
import { DropZone } from './drop-zone.tsx';
import { FileButton } from './file-button.tsx';
import { PassedOver } from './passed-over.tsx';
import { Prediction } from './prediction.tsx';
import { Threshold } from './threshold.tsx';

interface PredictorProps {
  readonly task: MadeTask;
  readonly files: readonly File[];
  readonly onFiles: (change: (files: readonly File[]) => readonly File[]) => void;
}

/** New images and what the task says of them: computed here from its ONNX file, and by the service beside it. */
export function Predictor({ task, files, onFiles }: PredictorProps) {
  const [answers, setAnswers] = useState<ReadonlyMap<File, Answers>>(new Map());
  const [latency, setLatency] = useState<Latency>();
  const [threshold, setThreshold] = useState(0.2);
  const [passedOver, setPassedOver] = useState<readonly string[]>([]);
  const [last, setLast] = useState<File>();
  const asked = useRef(new Set<File>());
  const ended = useRef(new AbortController());
  const { signal } = ended.current;

  const tell = (file: File, part: Answers) => {
    if (signal.aborted) return;
    setAnswers((now) => new Map(now).set(file, { ...now.get(file), ...part }));
    setLast(file);
  };

  useEffect(() => {
    const { id, model, size } = task;
    // without a latency nothing is missing but a sentence
    ask('measure', { key: `task ${id}`, model, size }, { signal }).then(setLatency, () => undefined);
    return () => ended.current.abort();
  }, []);

  useEffect(() => {
    const news = files.filter((file) => !asked.current.has(file));
    for (const file of news) {
      asked.current.add(file);
      void answerHere(task, file, signal).then((browser) => tell(file, { browser }));
    }
    if (task.place === 'server' && news.length > 0)
      void answersOfService(task, news, signal).then((given) =>
        given.forEach((server, i) => tell(news[i]!, { server })),
      );
  }, [files]);

  const add = ({ plain, labelled, passedOver: names }: ChosenFiles) => {
    setPassedOver(names);
    onFiles((now) => [...now, ...plain, ...labelled.map(({ file }) => file)]);
  };
  const clear = (button: HTMLElement) => {
    button.closest('.row')?.querySelector('input')?.focus();
    asked.current.clear();
    setAnswers(new Map());
    setPassedOver([]);
    onFiles(() => []);
  };
  const told = last && shownOf(answers.get(last) ?? {});
  return (
    <DropZone class="try" onFiles={add}>
      <div class="row">
        <FileButton text="Choose images" label="Choose images to classify" onFiles={add} />
        {files.length > 0 && (
          <button type="button" onClick={({ currentTarget }) => clear(currentTarget)}>
            Clear
          </button>
        )}
        <p class="hint">or drop them here</p>
      </div>
      <PassedOver names={passedOver} />
      {latency && (
        <p class="hint">
          One image takes {duration(latency.milliseconds)} in this browser (
          {latency.backend === 'webgpu' ? 'WebGPU' : 'WebAssembly'}), the picture's decoding not counted.
        </p>
      )}
      {[...answers.values()].some((each) => shownOf(each)?.known !== undefined) && (
        <Threshold value={threshold} onChange={setThreshold} />
      )}
      <p role="status" class="hidden">
        {told && spoken(last.name, verdictOf(told, task.labels, threshold))}
      </p>
      <ul class="predictions">
        {files.map((file, i) => (
          <Prediction
            key={`${i} ${file.name}`}
            file={file}
            labels={task.labels}
            answers={answers.get(file) ?? {}}
            place={task.place}
            threshold={threshold}
          />
        ))}
      </ul>
    </DropZone>
  );
}
