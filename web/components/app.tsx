import { useEffect, useRef, useState } from 'preact/hooks';
import type { Schema } from '../../contract/schema.ts';
import { limits, nameOf, obstacleOf } from '../draft.ts';
import { pastedFiles, unpacked } from '../files.ts';
import { problemsIn } from '../remarks.ts';
import { isStale } from '../shown.ts';
import { imageCheckpoints, prepareDevice } from '../task.ts';
import type { Place } from '../task.ts';
import { sizeLimits } from '../trade.ts';
import { Answer } from './answer.tsx';
import { ClassEditor } from './class-editor.tsx';
import { ExportButton } from './export-dialog.tsx';
import { Gallery } from './gallery.tsx';
import { HowMade } from './how-made.tsx';
import { Icon } from './icon.tsx';
import { Logo } from './logo.tsx';
import { MakePanel } from './make-panel.tsx';
import { NextStep } from './next-step.tsx';
import { Promised } from './promised.tsx';
import { Step } from './step.tsx';
import { TryPanel } from './try-panel.tsx';
import { UndoBar, useUndo } from './undo.tsx';
import { useDraft } from './use-draft.ts';
import { useTasks } from './use-tasks.ts';

/** Of tasks of earlier versions, which have none of their own: what decides best when one image in five is foreign. */
const usualThreshold = 0.2;

export function App() {
  const undo = useUndo();
  const state = useDraft(undo.offer);
  const [place, setPlace] = useState<Place>('server');
  const [checkpoint, setCheckpoint] = useState<string>();
  const [checkpoints, setCheckpoints] = useState<readonly Schema<'ImagesCheckpoint'>[]>([]);
  const [size, setSize] = useState<number>();
  const [threshold, setThreshold] = useState(usualThreshold);
  const sizes = sizeLimits(
    (checkpoints.find(({ id }) => id === checkpoint) ?? checkpoints[0])?.architectures?.choices ?? [],
  );
  const limit = sizes.find((bytes) => bytes === size);
  const budget = limit === undefined ? undefined : { maxBytes: limit };
  const tasks = useTasks(state, { place, checkpoint, budget }, undo.offer);
  const { work, shown, kept } = tasks;
  const heading = useRef<HTMLHeadingElement>(null);

  const working = work.kind === 'running';
  const problems = problemsIn(state.remarks);
  const obstacle = problems === undefined ? obstacleOf(state.draft) : { text: problems };
  const stale = shown !== undefined && isStale(shown, state.draft);
  const own = shown?.task.threshold;

  // a service without a list has one checkpoint to choose; what is wrong with it is told when a task is made
  useEffect(() => {
    imageCheckpoints(undefined, limits.classes.max).then(
      (all) => setCheckpoints(all),
      () => undefined,
    );
  }, []);
  useEffect(() => {
    if (!shown) return;
    setThreshold(own ?? usualThreshold);
    heading.current?.focus({ preventScroll: true });
  }, [shown?.task]);

  const choosePlace = (chosen: Place) => {
    setPlace(chosen);
    // what fails is tried again, and told, when a task is made
    if (chosen === 'device') prepareDevice(checkpoint).catch(() => undefined);
  };

  const clearQueries = () => {
    const files = shown?.queries ?? [];
    tasks.setQueries(() => []);
    undo.offer('Cleared the images that were tried.', () => tasks.setQueries((now) => [...files, ...now]));
  };

  const paste = useRef<((event: ClipboardEvent) => void) | undefined>(undefined);
  paste.current = (event) => {
    const files = pastedFiles(event);
    if (files.plain.length + files.passedOver.length === 0) return;
    event.preventDefault();
    const at = document.activeElement;
    if (shown && at?.closest('#try'))
      void unpacked(files).then(({ plain }) => tasks.setQueries((now) => [...now, ...plain]));
    else {
      const key = at?.closest<HTMLElement>('[data-class]')?.dataset['class'];
      state.take(files, key === undefined ? undefined : Number(key));
    }
  };
  useEffect(() => {
    const take = (event: ClipboardEvent) => paste.current?.(event);
    addEventListener('paste', take);
    return () => removeEventListener('paste', take);
  }, []);

  return (
    <>
      <header class="top">
        <h1>
          <Logo /> M-NAS
        </h1>
        <p>A few photos of each class in; out comes a small classifier made for exactly them.</p>
        <button
          type="button"
          aria-disabled={working}
          onClick={() => {
            if (!working) tasks.example();
          }}
        >
          Try an example
        </button>
      </header>
      <main tabIndex={-1}>
        <div class="bench">
          <section id="classes" aria-labelledby="classes-heading">
            <h2 id="classes-heading" tabIndex={-1}>
              <Step number={1} /> Classes
            </h2>
            <ClassEditor state={state} />
          </section>
          <section id="make" aria-labelledby="make-heading" class="beside">
            <h2 id="make-heading" tabIndex={-1} ref={heading}>
              <Step number={2} /> {shown ? 'Your classifier' : 'Classifier'}
            </h2>
            {stale && (
              <p class="stale" role="status">
                <strong>Out of date.</strong> You have changed the classes since. Make it again to use the
                changes.
              </p>
            )}
            <MakePanel
              place={place}
              onPlace={choosePlace}
              checkpoints={checkpoints.map(({ id }) => id)}
              checkpoint={checkpoint}
              onCheckpoint={setCheckpoint}
              sizes={sizes}
              size={limit}
              onSize={setSize}
              obstacle={obstacle}
              stale={stale}
              made={shown !== undefined}
              work={work}
              onKey={tasks.useKey}
              onMake={tasks.make}
              onCancel={tasks.cancel}
            />
            {shown ? (
              <div class="made">
                <Answer key={shown.task.id} shown={shown} state={state}>
                  <ExportButton task={shown.task} threshold={threshold} />
                </Answer>
                <HowMade task={shown.task} />
              </div>
            ) : (
              <Promised />
            )}
          </section>
          <section id="try" aria-labelledby="try-heading" class="beside">
            <h2 id="try-heading" tabIndex={-1}>
              <Step number={3} /> Try it
            </h2>
            {shown ? (
              <TryPanel
                key={shown.task.id}
                task={shown.task}
                order={state.draft.map(nameOf)}
                files={shown.queries}
                onFiles={tasks.setQueries}
                onClear={clearQueries}
                threshold={threshold}
                onThreshold={setThreshold}
              />
            ) : (
              <p class="hint placeholder">
                <Icon name="camera" />
                As soon as there is a classifier, show it new photos here, or hold things into the camera.
              </p>
            )}
          </section>
        </div>
        {kept.length + tasks.setAside.length > 0 && (
          <section aria-labelledby="earlier">
            <h2 id="earlier">Earlier tasks</h2>
            <Gallery
              tasks={kept}
              asides={tasks.setAside}
              current={shown?.task}
              work={work}
              onKey={tasks.useKey}
              onOpen={tasks.open}
              onOpenAside={tasks.openAside}
              onForget={tasks.forget}
              onForgetAside={tasks.dropAside}
            />
          </section>
        )}
      </main>
      <footer class="hint">
        Programs do the same by <a href="/docs">the service's interface</a>.
      </footer>
      <div class="bar">
        <UndoBar last={undo.last} onUndo={undo.undo} onDismiss={undo.dismiss} />
        <NextStep obstacle={obstacle} work={work} made={shown !== undefined && !stale} onMake={tasks.make} />
      </div>
    </>
  );
}
