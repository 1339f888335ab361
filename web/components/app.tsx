import { useEffect, useRef, useState } from 'preact/hooks';
import { canonicalLabel } from '../../contract/label.ts';
import { addLabelled, emptyDraft, obstacleOf } from '../draft.ts';
import type { Draft } from '../draft.ts';
import { loadExample } from '../example.ts';
import { forget, keep, keptTasks } from '../kept-tasks.ts';
import type { Kept } from '../kept-tasks.ts';
import { rememberKey } from '../key.ts';
import { Runs } from '../runs.ts';
import type { Run, Work } from '../runs.ts';
import { shownAfter } from '../shown.ts';
import type { Outcome, Shown } from '../shown.ts';
import { makeOnDevice, makeOnServer, openOnServer, prepareDevice } from '../task.ts';
import type { Place } from '../task.ts';
import { ClassEditor } from './class-editor.tsx';
import { Gallery } from './gallery.tsx';
import { MakePanel } from './make-panel.tsx';
import { Predictor } from './predictor.tsx';
import { Result } from './result.tsx';
import type { Origin } from './work-state.tsx';

/** The id of the task that the address names: `#task=ID`. */
const addressedTask = (): string | null => new URLSearchParams(location.hash.slice(1)).get('task');

/** A task of these classes; new images that it is tried with, where they come along. */
const making =
  (place: Place, draft: Draft, queries?: readonly File[]): Run<Outcome> =>
  async (tell, signal) => {
    const classes = draft
      .filter(({ shots }) => shots.length > 0)
      .map(({ label, shots }) => ({ label: canonicalLabel(label), files: shots.map(({ file }) => file) }));
    const makeIt = place === 'server' ? makeOnServer : makeOnDevice;
    return { task: await makeIt(classes, tell, signal), source: { place, classes }, queries };
  };

const opening =
  (id: string): Run<Outcome> =>
  async (tell, signal) => {
    tell({ text: 'Opening the task' });
    return { task: await openOnServer(id, signal), queries: [] };
  };

export function App() {
  const [draft, setDraft] = useState<Draft>(emptyDraft);
  const [place, setPlace] = useState<Place>('server');
  const [work, setWork] = useState<Work<Origin>>({ kind: 'idle' });
  const [shown, setShown] = useState<Shown>();
  const [kept, setKept] = useState<readonly Kept[]>([]);
  const heading = useRef<HTMLHeadingElement>(null);
  const main = useRef<HTMLElement>(null);

  const listKept = async () => setKept(await keptTasks());

  const show = (outcome: Outcome) => {
    const { task, source } = outcome;
    setShown((before) => shownAfter(before, outcome));
    const address = location.pathname + location.search;
    history.replaceState(null, '', task.place === 'server' ? `#task=${task.id}` : address);
    if (source) void keep(task, source.classes).then(listKept);
  };
  const [runs] = useState(() => new Runs<Outcome, Origin>({ onWork: setWork, onDone: show }));
  const working = work.kind === 'running';

  const example = () =>
    runs.start('panel', async (tell, signal) => {
      tell({ text: 'Loading the example' });
      const { support, query } = await loadExample(signal);
      const filled = addLabelled([], support);
      setDraft(filled);
      const queries = query.map(({ file }) => file);
      return making(place, filled, queries)(tell, signal);
    });

  const choosePlace = (chosen: Place) => {
    setPlace(chosen);
    // what fails is tried again, and told, when a task is made
    if (chosen === 'device') prepareDevice().catch(() => undefined);
  };

  const open = ({ id, task }: Kept) =>
    runs.start('gallery', task ? () => Promise.resolve({ task, queries: [] }) : opening(id));

  const useKey = (key: string) => {
    rememberKey(key);
    runs.again();
  };

  useEffect(() => heading.current?.focus(), [shown?.task]);

  useEffect(() => {
    void listKept();
    const openAddressed = () => {
      const id = addressedTask();
      if (id !== null) runs.start('panel', opening(id));
    };
    openAddressed();
    addEventListener('hashchange', openAddressed);
    return () => removeEventListener('hashchange', openAddressed);
  }, []);

  return (
    <>
      <header class="top">
        <h1>M-NAS</h1>
        <p>
          A few photos of each class in; out comes a small classifier made for exactly them: an architecture
          chosen for your task, weights adapted to it, and an ONNX file that runs anywhere.
        </p>
      </header>
      <main ref={main} tabIndex={-1}>
        <section aria-labelledby="task">
          <div class="row spread">
            <h2 id="task">Your task</h2>
            <button
              type="button"
              aria-disabled={working}
              onClick={() => {
                if (!working) example();
              }}
            >
              Try an example
            </button>
          </div>
          <ClassEditor draft={draft} onChange={setDraft} />
          <MakePanel
            place={place}
            onPlace={choosePlace}
            obstacle={obstacleOf(draft)}
            work={work}
            onKey={useKey}
            onMake={() => runs.start('panel', making(place, draft))}
            onCancel={() => runs.cancel()}
          />
        </section>
        {shown && (
          <>
            <section aria-labelledby="result">
              <h2 id="result" tabIndex={-1} ref={heading}>
                Your classifier
              </h2>
              <Result task={shown.task} source={shown.source} />
            </section>
            <section aria-labelledby="try">
              <h2 id="try">Try it</h2>
              <Predictor
                key={shown.task.id}
                task={shown.task}
                files={shown.queries}
                onFiles={(change) =>
                  setShown((now) =>
                    now?.task.id === shown.task.id ? { ...now, queries: change(now.queries) } : now,
                  )
                }
              />
            </section>
          </>
        )}
        {kept.length > 0 && (
          <section aria-labelledby="earlier">
            <h2 id="earlier">Earlier tasks</h2>
            <Gallery
              tasks={kept}
              current={shown?.task}
              work={work}
              onKey={useKey}
              onOpen={open}
              onForget={(id) => {
                if (kept.length === 1) main.current?.focus();
                void forget(id).then(listKept);
              }}
            />
          </section>
        )}
      </main>
      <footer class="hint">
        Programs do the same by <a href="/docs">the service's interface</a>.
      </footer>
    </>
  );
}
