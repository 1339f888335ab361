import { useEffect, useRef, useState } from 'preact/hooks';
import { ServiceRefusal, rememberKey, type ClassFiles } from '../api.ts';
import { addLabelled, emptyDraft, obstacleOf, type Draft } from '../draft.ts';
import { loadExample } from '../example.ts';
import { forget, keep, keptTasks, type Kept } from '../gallery.ts';
import {
  makeOnDevice,
  makeOnServer,
  openOnServer,
  type MadeTask,
  type Place,
  type Status,
  type Tell,
} from '../task.ts';
import { ClassEditor } from './class-editor.tsx';
import { Gallery } from './gallery.tsx';
import { MakePanel } from './make-panel.tsx';
import { Predictor } from './predictor.tsx';
import { Result } from './result.tsx';

/** What is being made, or why it could not be. */
type Work =
  | { readonly kind: 'idle' }
  | { readonly kind: 'making'; readonly status: Status; readonly abort: AbortController }
  | { readonly kind: 'failed'; readonly message: string; readonly needsKey: boolean };

/** The id of the task that the address names: `#task=ID`. */
const addressedTask = (): string | null => new URLSearchParams(location.hash.slice(1)).get('task');

export function App() {
  const [draft, setDraft] = useState<Draft>(emptyDraft);
  const [place, setPlace] = useState<Place>('server');
  const [work, setWork] = useState<Work>({ kind: 'idle' });
  const [task, setTask] = useState<MadeTask>();
  /** what the task was made of; unknown of those that are opened again */
  const [source, setSource] = useState<readonly ClassFiles[]>();
  const [queries, setQueries] = useState<readonly File[]>([]);
  const [kept, setKept] = useState<readonly Kept[]>([]);
  const heading = useRef<HTMLHeadingElement>(null);

  const listKept = async () => setKept(await keptTasks());

  /** Runs what gives a task, shows its progress, then the task. */
  const show = async (run: (tell: Tell, signal: AbortSignal) => Promise<MadeTask>) => {
    const abort = new AbortController();
    const tell: Tell = (status) => {
      if (!abort.signal.aborted) setWork({ kind: 'making', status, abort });
    };
    tell({ text: 'Starting' });
    try {
      const made = await run(tell, abort.signal);
      if (abort.signal.aborted) return;
      setTask(made);
      setWork({ kind: 'idle' });
      history.replaceState(null, '', made.place === 'server' ? `#task=${made.id}` : location.pathname);
    } catch (error) {
      if (abort.signal.aborted) setWork({ kind: 'idle' });
      else
        setWork({
          kind: 'failed',
          message: error instanceof Error ? error.message : String(error),
          needsKey: error instanceof ServiceRefusal && error.status === 401,
        });
    }
  };

  const make = (of: Draft) => {
    const classes = of
      .filter(({ shots }) => shots.length > 0)
      .map(({ label, shots }) => ({ label: label.trim(), files: shots.map(({ file }) => file) }));
    return show(async (tell, signal) => {
      const makeIt = place === 'server' ? makeOnServer : makeOnDevice;
      const made = await makeIt(classes, tell, signal);
      await keep(made, of);
      await listKept();
      setSource(classes);
      return made;
    });
  };

  const example = async () => {
    const { support, query } = await loadExample();
    const filled = addLabelled([], support);
    setDraft(filled);
    setQueries(query.map(({ file }) => file));
    await make(filled);
  };

  const open = (chosen: Kept) => {
    setQueries([]);
    setSource(undefined);
    return show(() => (chosen.task ? Promise.resolve(chosen.task) : openOnServer(chosen.id)));
  };

  useEffect(() => heading.current?.focus(), [task]);

  useEffect(() => {
    void listKept();
    const id = addressedTask();
    if (id !== null) void show(() => openOnServer(id));
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
      <main>
        <section aria-labelledby="task">
          <div class="row spread">
            <h2 id="task">Your task</h2>
            <button type="button" onClick={() => void example()} disabled={work.kind === 'making'}>
              Try an example
            </button>
          </div>
          <ClassEditor draft={draft} onChange={setDraft} />
          <MakePanel
            place={place}
            onPlace={setPlace}
            obstacle={obstacleOf(draft)}
            status={work.kind === 'making' ? work.status : undefined}
            error={work.kind === 'failed' ? work.message : undefined}
            onKey={
              work.kind === 'failed' && work.needsKey
                ? (key) => {
                    rememberKey(key);
                    setWork({ kind: 'idle' });
                  }
                : undefined
            }
            onMake={() => void make(draft)}
            onCancel={() => {
              if (work.kind !== 'making') return;
              work.abort.abort();
              setWork({ kind: 'idle' });
            }}
          />
        </section>
        {task && (
          <>
            <section aria-labelledby="result">
              <h2 id="result" tabIndex={-1} ref={heading}>
                Your classifier
              </h2>
              <Result task={task} classes={source} />
            </section>
            <section aria-labelledby="try">
              <h2 id="try">Try it</h2>
              <Predictor key={task.id} task={task} files={queries} onFiles={setQueries} />
            </section>
          </>
        )}
        {kept.length > 0 && (
          <section aria-labelledby="earlier">
            <h2 id="earlier">Earlier tasks</h2>
            <Gallery
              tasks={kept}
              current={task?.id}
              onOpen={(chosen) => void open(chosen)}
              onForget={(id) => void forget(id).then(listKept)}
            />
          </section>
        )}
      </main>
    </>
  );
}
