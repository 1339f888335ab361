import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import * as drafts from '../draft.ts';
import type { ClassDraft, Draft, Shot } from '../draft.ts';
import { unpacked } from '../files.ts';
import type { ChosenFiles } from '../files.ts';
import { checked } from '../images.ts';
import { saveDraft, savedDraft } from '../kept-files.ts';
import { remarksOn } from '../remarks.ts';
import type { Findings, Remark } from '../remarks.ts';

/** Milliseconds after a change before it is saved: one save for what comes together. */
const settling = 300;

/** The classes that are being put together, and everything that is done to them. */
export interface DraftState {
  readonly draft: Draft;
  readonly remarks: ReadonlyMap<number, Remark>;
  /** names of chosen files that are no images */
  readonly passedOver: readonly string[];
  change(change: (draft: Draft) => Draft): void;
  /** chosen files: into the class of that key, else where there is room */
  take(files: ChosenFiles, key?: number): void;
  removeShot(shot: Shot): void;
  removeClass(entry: ClassDraft): void;
  moveShot(shot: Shot, from: ClassDraft, to: ClassDraft): void;
}

/** @param offer takes what was taken away, and how it comes back */
export function useDraft(offer: (text: string, undo: () => void) => void): DraftState {
  const [draft, setDraft] = useState<Draft>(drafts.emptyDraft);
  const [findings, setFindings] = useState<Findings>(new Map());
  const [passedOver, setPassedOver] = useState<readonly string[]>([]);
  const touched = useRef(false);
  const opened = useRef(false);

  const change: DraftState['change'] = (how) => {
    touched.current = true;
    setDraft(how);
  };

  useEffect(() => {
    void savedDraft().then((saved) => {
      opened.current = true;
      if (!saved || saved.length < drafts.limits.classes.min) return;
      // what was added while the old one was read stands beside it
      setDraft((now) =>
        touched.current ? [...saved, ...now.filter(({ shots }) => shots.length > 0)] : saved,
      );
    });
  }, []);

  useEffect(() => {
    if (!touched.current && !opened.current) return undefined;
    const timer = setTimeout(() => void saveDraft(draft), settling);
    return () => clearTimeout(timer);
  }, [draft]);

  useEffect(() => {
    for (const { file } of draft.flatMap(({ shots }) => shots))
      if (!findings.has(file))
        void checked(file).then((found) =>
          setFindings((before) => (before.has(file) ? before : new Map(before).set(file, found))),
        );
  }, [draft]);
  const remarks = useMemo(() => remarksOn(draft, findings), [draft, findings]);

  const take: DraftState['take'] = (chosen, key) =>
    void unpacked(chosen).then(({ plain, labelled, passedOver: names }) => {
      setPassedOver(names);
      change((now) => {
        const there = key !== undefined && now.some((entry) => entry.key === key);
        const filled = drafts.addLabelled(there ? drafts.addShots(now, key, plain) : now, labelled);
        return there ? filled : drafts.addLoose(filled, plain);
      });
    });

  const removeShot = (shot: Shot) => {
    const from = draft.find(({ shots }) => shots.includes(shot));
    if (!from) return;
    change((now) => drafts.removeShot(now, shot.key));
    offer(`Removed ${shot.file.name} from ${drafts.nameOf(from)}.`, () =>
      change((now) => drafts.restoreShot(now, from, shot)),
    );
  };
  const removeClass = (entry: ClassDraft) => {
    const at = draft.indexOf(entry);
    change((now) => {
      const rest = drafts.removeClass(now, entry.key);
      return rest.length < drafts.limits.classes.min ? drafts.addClass(rest) : rest;
    });
    offer(`Removed ${drafts.nameOf(entry)}.`, () => change((now) => drafts.restoreClass(now, entry, at)));
  };
  const moveShot = (shot: Shot, from: ClassDraft, to: ClassDraft) => {
    change((now) => drafts.moveShot(now, shot.key, to.key));
    offer(`Moved ${shot.file.name} to ${drafts.nameOf(to)}.`, () =>
      change((now) => drafts.restoreShot(drafts.removeShot(now, shot.key), from, shot)),
    );
  };
  return { draft, remarks, passedOver, change, take, removeShot, removeClass, moveShot };
}
