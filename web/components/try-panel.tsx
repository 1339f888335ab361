import { useEffect, useState } from 'preact/hooks';
import { shownOf, spoken, verdictOf } from '../answers.ts';
import { ask } from '../device/client.ts';
import type { Latency } from '../device/messages.ts';
import { unpacked } from '../files.ts';
import type { ChosenFiles } from '../files.ts';
import { duration } from '../format.ts';
import type { MadeTask } from '../task.ts';
import { DropZone } from './drop-zone.tsx';
import { FileButton } from './file-button.tsx';
import { Icon } from './icon.tsx';
import { Live } from './live.tsx';
import { PassedOver } from './passed-over.tsx';
import { Tried, TriedList } from './tried.tsx';
import { Unknown } from './unknown.tsx';
import { useAnswers } from './use-answers.ts';
import { hasCamera } from './use-camera.ts';

interface TryPanelProps {
  readonly task: MadeTask;
  /** labels of the classes as they stand on the page */
  readonly order: readonly string[];
  readonly files: readonly File[];
  readonly onFiles: (change: (files: readonly File[]) => readonly File[]) => void;
  /** takes images that were cleared, so that they can come back */
  readonly onClear: () => void;
  readonly threshold: number;
  readonly onThreshold: (value: number) => void;
}

/** New images, from the camera or from files, and what the classifier says of them. */
export function TryPanel({ task, order, files, onFiles, onClear, threshold, onThreshold }: TryPanelProps) {
  const { answers, last } = useAnswers(task, files);
  const [camera, setCamera] = useState(false);
  const [latency, setLatency] = useState<Latency>();
  const [passedOver, setPassedOver] = useState<readonly string[]>([]);
  const [chosen, setChosen] = useState<File>();

  useEffect(() => {
    const abort = new AbortController();
    const { id, model, size } = task;
    // loads what predictions need, before anybody waits for one; without a latency nothing is missing but a sentence
    ask('measure', { key: `task ${id}`, model, size }, { signal: abort.signal }).then(
      setLatency,
      () => undefined,
    );
    return () => abort.abort();
  }, []);

  const add = (given: ChosenFiles) =>
    void unpacked(given).then(({ plain, labelled, passedOver: names }) => {
      setPassedOver(names);
      const news = [...plain, ...labelled.map(({ file }) => file)];
      if (news.length === 0) return;
      setCamera(false);
      setChosen(news[0]);
      onFiles((now) => [...now, ...news]);
    });
  const selected = chosen && files.includes(chosen) ? chosen : files[0];
  const told = last && shownOf(answers.get(last) ?? {});
  return (
    <DropZone class="try" onFiles={add}>
      <div class="row" data-try="">
        {hasCamera() && (
          <button
            type="button"
            class={files.length === 0 && !camera ? 'primary' : ''}
            aria-pressed={camera}
            aria-label={camera ? 'Stop the camera' : 'Use the camera'}
            onClick={() => setCamera(!camera)}
          >
            <Icon name="camera" />
            {camera ? 'Stop' : 'Camera'}
          </button>
        )}
        <FileButton icon="images" text="Choose images" label="Choose images to classify" onFiles={add} />
        {files.length > 0 && (
          <button
            type="button"
            onClick={({ currentTarget }) => {
              currentTarget.closest('.row')?.querySelector('input')?.focus();
              onClear();
            }}
          >
            Clear
          </button>
        )}
      </div>
      {files.length === 0 && !camera && (
        <p class="hint placeholder">
          <Icon name="images" />
          or drop or paste new photos here
        </p>
      )}
      <PassedOver names={passedOver} />
      {camera ? (
        <Live task={task} order={order} threshold={threshold} />
      ) : (
        selected && (
          <Tried
            file={selected}
            task={task}
            order={order}
            answers={answers.get(selected) ?? {}}
            threshold={threshold}
          />
        )
      )}
      {files.length > 1 && (
        <TriedList
          files={files}
          selected={camera ? undefined : selected}
          answers={answers}
          labels={task.labels}
          threshold={threshold}
          onSelect={(file) => {
            setCamera(false);
            setChosen(file);
          }}
        />
      )}
      {task.tellsKnown && (camera || files.length > 0) && (
        <Unknown value={threshold} own={task.threshold} onChange={onThreshold} />
      )}
      {latency && (
        <p class="hint">
          One image takes {duration(latency.milliseconds)} in this browser (
          {latency.backend === 'webgpu' ? 'WebGPU' : 'WebAssembly'}), the picture's decoding not counted.
        </p>
      )}
      <p role="status" class="hidden">
        {told && spoken(last.name, verdictOf(told, task.labels, threshold))}
      </p>
    </DropZone>
  );
}
