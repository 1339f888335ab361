import { useEffect, useRef, useState } from 'preact/hooks';
import type { Budget } from '../../model/adaptation/budget.ts';
import { addLabelled, classesOf, imagesOf, signatureOf } from '../draft.ts';
import type { Draft } from '../draft.ts';
import { loadExample } from '../example.ts';
import { asideOf, asides, dropAside, freeFiles, openKept, putAside, savedKeys } from '../kept-files.ts';
import type { Aside } from '../kept-files.ts';
import { forget, keep, keepAgain, keptTasks } from '../kept-tasks.ts';
import type { Kept } from '../kept-tasks.ts';
import { rememberKey } from '../key.ts';
import { Runs } from '../runs.ts';
import type { Run, Work } from '../runs.ts';
import { shownAfter } from '../shown.ts';
import type { Outcome, Shown } from '../shown.ts';
import { makeOnDevice, makeOnServer, openOnServer } from '../task.ts';
import type { Place } from '../task.ts';
import type { DraftState } from './use-draft.ts';
import type { Origin } from './work-state.tsx';

/** The id of the task that the address names: `#task=ID`. */
const addressedTask = (): string | null => new URLSearchParams(location.hash.slice(1)).get('task');

/** Where and from what tasks are made. */
export interface MakingChoice {
  readonly place: Place;
  readonly checkpoint: string | undefined;
  readonly budget: Budget | undefined;
}

/** What a run ends in, and whether its classes take the place of those that are there. */
interface Ended extends Outcome {
  readonly opened?: boolean;
}

const making =
  ({ place, checkpoint, budget }: MakingChoice, draft: Draft, queries?: readonly File[]): Run<Ended> =>
  async (tell, signal) => {
    const make = place === 'server' ? makeOnServer : makeOnDevice;
    const task = await make({ classes: classesOf(draft), checkpoint, budget }, tell, signal);
    return { task, source: { place, draft }, queries };
  };

/** A task that was made before, with its classes where this browser has them. */
const opening =
  (id: string, kept: Kept | undefined): Run<Ended> =>
  async (tell, signal) => {
    tell({ text: 'Opening the task' });
    const task = kept?.task ?? (await openOnServer(id, signal));
    const draft = kept?.classes && (await openKept(kept.classes));
    return { task, source: draft && { place: task.place, draft }, queries: [], opened: true };
  };

/** Tasks: the one that is shown, those that are kept, and the run that leads to the next one. */
export function useTasks(
  state: DraftState,
  choice: MakingChoice,
  offer: (text: string, undo: () => void) => void,
) {
  const [work, setWork] = useState<Work<Origin>>({ kind: 'idle' });
  const [shown, setShown] = useState<Shown>();
  const [kept, setKept] = useState<readonly Kept[]>([]);
  const [setAside, setSetAside] = useState<readonly Aside[]>([]);
  // what runs need when they end, which is later than when they began
  const now = useRef({ draft: state.draft, kept });
  now.current = { draft: state.draft, kept };

  const list = async () => {
    const [tasks, others] = await Promise.all([keptTasks(), asides()]);
    setKept(tasks);
    setSetAside(others);
    return { tasks, others };
  };

  /** Other classes in place of those that are there, which are kept beside them and come back by an undo. */
  const replaceDraft = (next: Draft, text: string) => {
    const { draft: before, kept: known } = now.current;
    state.change(() => next);
    if (imagesOf(before) === 0 || signatureOf(before) === signatureOf(next)) return;
    const signature = signatureOf(before);
    const isKept = known.some(({ classes }) => classes && signatureOf(savedKeys(classes)) === signature);
    const aside = isKept ? undefined : asideOf(before);
    if (aside) void putAside(aside, before).then(list);
    offer(`${text} Your classes are kept below.`, () => {
      state.change(() => before);
      if (aside) void dropAside(aside.id).then(list);
    });
  };

  const show = (ended: Ended) => {
    const { task, source } = ended;
    setShown((before) => shownAfter(before, ended));
    const address = location.pathname + location.search;
    history.replaceState(null, '', task.place === 'server' ? `#task=${task.id}` : address);
    if (ended.opened) {
      if (source) replaceDraft(source.draft, 'Opened an earlier task.');
    } else if (source) void keep(task, source.draft).then(list);
  };
  const latest = useRef(show);
  latest.current = show;
  const [runs] = useState(
    () => new Runs<Ended, Origin>({ onWork: setWork, onDone: (ended) => latest.current(ended) }),
  );

  useEffect(() => {
    const openAddressed = (known: readonly Kept[]) => {
      const id = addressedTask();
      if (id !== null)
        runs.start(
          'panel',
          opening(
            id,
            known.find((one) => one.id === id),
          ),
        );
    };
    void list().then(({ tasks, others }) => {
      openAddressed(tasks);
      const used = [
        ...tasks.flatMap(({ classes }) => (classes ? [classes] : [])),
        ...others.map((one) => one.classes),
      ];
      void freeFiles(used);
    });
    const onHash = () => openAddressed(now.current.kept);
    addEventListener('hashchange', onHash);
    return () => removeEventListener('hashchange', onHash);
  }, []);

  return {
    work,
    shown,
    kept,
    setAside,
    make: () => runs.start('panel', making(choice, state.draft)),
    example: () =>
      runs.start('panel', async (tell, signal) => {
        tell({ text: 'Loading the example' });
        const { support, query } = await loadExample(signal);
        const filled = addLabelled([], support);
        replaceDraft(filled, 'The example is loaded.');
        return making(choice, filled, query)(tell, signal);
      }),
    cancel: () => runs.cancel(),
    useKey: (key: string) => {
      rememberKey(key);
      runs.again();
    },
    open: (one: Kept) => runs.start('gallery', opening(one.id, one)),
    openAside: (aside: Aside) =>
      void openKept(aside.classes).then((draft) => {
        replaceDraft(draft, 'Your classes are back.');
        void dropAside(aside.id).then(list);
      }),
    forget: (one: Kept) => {
      void forget(one.id).then(list);
      offer(`Forgot ${one.labels.join(', ')}.`, () => void keepAgain(one).then(list));
    },
    dropAside: (aside: Aside) => {
      void openKept(aside.classes).then(async (draft) => {
        await dropAside(aside.id);
        await list();
        offer('Forgot the unfinished classes.', () => void putAside(aside, draft).then(list));
      });
    },
    setQueries: (change: (files: readonly File[]) => readonly File[]) =>
      setShown((before) => before && { ...before, queries: change(before.queries) }),
  };
}
