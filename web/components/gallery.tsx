import type { Aside } from '../kept-files.ts';
import type { Kept } from '../kept-tasks.ts';
import { counted } from '../format.ts';
import type { Work } from '../runs.ts';
import type { MadeTask } from '../task.ts';
import { KeptCard } from './kept-card.tsx';
import { TaskMap } from './task-map.tsx';
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

const whenOf = ({ createdAt }: Kept | Aside): string => when.format(new Date(createdAt));

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
          {asides.map((aside) => {
            const name = aside.classes.map(({ label }) => label).join(', ');
            const images = aside.classes.reduce((sum, { shots }) => sum + shots.length, 0);
            return (
              <KeptCard
                key={aside.id}
                name={name}
                hint={`${whenOf(aside)}, not made yet, ${counted(images, 'image')}`}
                forget={`Forget ${name}, not made yet`}
                onOpen={() => props.onOpenAside(aside)}
                onForget={() => props.onForgetAside(aside)}
              />
            );
          })}
          {tasks.map((kept) => {
            const name = kept.labels.join(', ');
            return (
              <KeptCard
                key={kept.id}
                name={name}
                hint={whenOf(kept) + (kept.place === 'device' ? ', on this device' : '')}
                forget={`Forget ${name}`}
                pictures={kept.pictures}
                current={kept.id === current?.id}
                disabled={working}
                onOpen={() => onOpen(kept)}
                onForget={() => onForget(kept)}
              />
            );
          })}
        </ul>
        <TaskMap tasks={tasks} current={current} />
      </div>
    </>
  );
}
