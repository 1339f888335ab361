import type { Kept } from '../kept-tasks.ts';
import type { Work } from '../runs.ts';
import type { MadeTask } from '../task.ts';
import { leaveFocus } from './focus.ts';
import { TaskMap } from './task-map.tsx';
import { Thumbnail } from './thumbnail.tsx';
import { WorkState } from './work-state.tsx';
import type { Origin } from './work-state.tsx';

interface GalleryProps {
  readonly tasks: readonly Kept[];
  /** the task that is shown */
  readonly current: MadeTask | undefined;
  readonly work: Work<Origin>;
  readonly onKey: (key: string) => void;
  readonly onOpen: (kept: Kept) => void;
  readonly onForget: (id: string) => void;
}

const when = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** Tasks that were made in this browser, and where they lie among one another. */
export function Gallery({ tasks, current, work, onKey, onOpen, onForget }: GalleryProps) {
  const working = work.kind === 'running';
  return (
    <>
      <p class="hint">
        Remembered in this browser only. Forgetting one here does not remove it from the service.
      </p>
      <WorkState work={work} from="gallery" onKey={onKey} />
      <div class="gallery">
        <ul>
          {tasks.map((kept) => {
            const name = kept.labels.join(', ');
            return (
              <li key={kept.id} class="card kept">
                <button
                  type="button"
                  class="open"
                  aria-current={kept.id === current?.id}
                  aria-disabled={working}
                  onClick={() => {
                    if (!working) onOpen(kept);
                  }}
                >
                  <span class="pictures">
                    {kept.pictures.map((picture, i) => (
                      <Thumbnail key={i} file={picture} alt="" />
                    ))}
                  </span>
                  <span class="name">
                    <span class="hidden">Open </span>
                    {name}
                  </span>
                  <span class="hint">
                    {when.format(new Date(kept.createdAt))}
                    {kept.place === 'device' && ', on this device'}
                  </span>
                </button>
                <button
                  type="button"
                  class="quiet"
                  aria-label={`Forget ${name}`}
                  onClick={({ currentTarget }) => {
                    leaveFocus(currentTarget.closest('li')!, 'ul', '.open');
                    onForget(kept.id);
                  }}
                >
                  ✕
                </button>
              </li>
            );
          })}
        </ul>
        <TaskMap tasks={tasks} current={current} />
      </div>
    </>
  );
}
