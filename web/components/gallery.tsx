import type { Aside } from '../kept-files.ts';
import type { Kept } from '../kept-tasks.ts';
import { counted } from '../format.ts';
import type { Work } from '../runs.ts';
import type { MadeTask } from '../task.ts';
import { leaveFocus } from './focus.ts';
import { TaskMap } from './task-map.tsx';
import { Picture } from './thumbnail.tsx';
import { WorkState } from './work-state.tsx';
import type { Origin } from './work-state.tsx';

interface GalleryProps {
  readonly tasks: readonly Kept[];
  /** classes that were not made into a task yet */
  readonly asides: readonly Aside[];
  /** the task that is shown */
  readonly current: MadeTask | undefined;
  readonly work: Work<Origin>;
  readonly onKey: (key: string) => void;
  readonly onOpen: (kept: Kept) => void;
  readonly onOpenAside: (aside: Aside) => void;
  readonly onForget: (kept: Kept) => void;
  readonly onForgetAside: (aside: Aside) => void;
}

const when = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

/** Tasks that were made in this browser, and where they lie among one another. */
export function Gallery(props: GalleryProps) {
  const { tasks, asides, current, work, onKey, onOpen, onForget } = props;
  const working = work.kind === 'running';
  return (
    <>
      <p class="hint">
        Remembered in this browser only. Forgetting one here does not remove it from the service.
      </p>
      <WorkState work={work} from="gallery" onKey={onKey} />
      <div class="gallery">
        <ul>
          {asides.map((aside) => (
            <AsideCard
              key={aside.id}
              aside={aside}
              onOpen={() => props.onOpenAside(aside)}
              onForget={() => props.onForgetAside(aside)}
            />
          ))}
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
                      <Picture key={i} file={picture} alt="" />
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
                    onForget(kept);
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

interface AsideCardProps {
  readonly aside: Aside;
  readonly onOpen: () => void;
  readonly onForget: () => void;
}

/** Classes that made room for others. */
function AsideCard({ aside, onOpen, onForget }: AsideCardProps) {
  const name = aside.classes.map(({ label }) => label).join(', ');
  const images = aside.classes.reduce((sum, { shots }) => sum + shots.length, 0);
  return (
    <li class="card kept">
      <button type="button" class="open" onClick={onOpen}>
        <span class="name">
          <span class="hidden">Open </span>
          {name}
        </span>
        <span class="hint">
          {when.format(new Date(aside.createdAt))}, not made yet, {counted(images, 'image')}
        </span>
      </button>
      <button
        type="button"
        class="quiet"
        aria-label={`Forget ${name}, not made yet`}
        onClick={({ currentTarget }) => {
          leaveFocus(currentTarget.closest('li')!, 'ul', '.open');
          onForget();
        }}
      >
        ✕
      </button>
    </li>
  );
}
