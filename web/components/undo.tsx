import { useEffect, useState } from 'preact/hooks';

/** Something that was taken away, in words, and how it comes back. */
export interface Undoable {
  readonly text: string;
  readonly undo: () => void;
}

/** What can be undone, the last first; as many as anybody remembers. */
const most = 20;

export function useUndo() {
  const [all, setAll] = useState<readonly Undoable[]>([]);
  const offer = (text: string, undo: () => void) =>
    setAll((before) => [{ text, undo }, ...before].slice(0, most));
  const undo = () => {
    all[0]?.undo();
    setAll(all.slice(1));
  };
  return { last: all[0], offer, undo, dismiss: () => setAll([]) };
}

interface UndoBarProps {
  readonly last: Undoable | undefined;
  readonly onUndo: () => void;
  readonly onDismiss: () => void;
}

/** Tells what was taken away, until it is dismissed: nobody has to be quick. */
export function UndoBar({ last, onUndo, onDismiss }: UndoBarProps) {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const writes = (event.target as Element | null)?.closest('input, textarea');
      if (!last || writes || !(event.ctrlKey || event.metaKey) || event.key !== 'z') return;
      event.preventDefault();
      onUndo();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [last, onUndo]);
  return (
    <div class="undo" role="status">
      {last && (
        <div class="row">
          <span>{last.text}</span>
          <button type="button" onClick={onUndo}>
            Undo
          </button>
          <button type="button" class="quiet" aria-label="Dismiss" onClick={onDismiss}>
            ✕
          </button>
        </div>
      )}
    </div>
  );
}
