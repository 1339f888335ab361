import type { Kept } from '../gallery.ts';
import { TaskMap } from './task-map.tsx';
import { Thumbnail } from './thumbnail.tsx';

interface GalleryProps {
  readonly tasks: readonly Kept[];
  /** of the task that is shown */
  readonly current: string | undefined;
  readonly onOpen: (kept: Kept) => void;
  readonly onForget: (id: string) => void;
}

const when = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** Tasks that were made in this browser, and where they lie among one another. */
export function Gallery({ tasks, current, onOpen, onForget }: GalleryProps) {
  return (
    <>
      <p class="hint">
        Remembered in this browser only. Forgetting one here does not remove it from the service.
      </p>
      <div class="gallery">
        <ul>
          {tasks.map((kept) => {
            const name = kept.labels.join(', ');
            return (
              <li key={kept.id} class="card kept" aria-current={kept.id === current}>
                <button type="button" class="open" onClick={() => onOpen(kept)}>
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
                  onClick={() => onForget(kept.id)}
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
