import type { Kept } from '../kept-tasks.ts';
import { fitInto, placeLabels, project } from '../projection.ts';
import type { MadeTask } from '../task.ts';

const side = 320;
const margin = 40;
/** Width of a letter of the labels, on average a little less. */
const letter = 6.2;
/** Two points have a line, not a map. */
const fewest = 3;

interface TaskMapProps {
  readonly tasks: readonly Kept[];
  /** the task that is shown, kept or not */
  readonly current: MadeTask | undefined;
}

/** The tasks' embeddings on a plane: like tasks are near one another. Those of one checkpoint only can be compared. */
export function TaskMap({ tasks, current }: TaskMapProps) {
  const others = tasks.filter(({ id }) => id !== current?.id);
  const all = current ? [current, ...others] : others;
  const shown = all.filter(({ checkpoint }) => checkpoint === all[0]?.checkpoint);
  if (shown.length < fewest) return null;
  const places = fitInto(project(shown.map(({ embedding }) => embedding)), side, margin);
  const names = shown.map(({ labels }) => labels.join(', '));
  const short = names.map(shortened);
  const labels = placeLabels(
    places,
    short.map((name) => name.length * letter),
    { side, height: 14, gap: 9 },
  );
  return (
    <figure class="map">
      <figcaption>Map of the tasks</figcaption>
      <svg
        viewBox={`0 0 ${side} ${side}`}
        role="img"
        aria-label={`Map of ${shown.length} tasks: ${names.join('; ')}`}
      >
        {shown.map(({ id }, i) => {
          const [x, y] = places[i]!;
          const label = labels[i];
          return (
            <g key={id} class={id === current?.id ? 'current' : ''}>
              <title>{names[i]}</title>
              <circle cx={x} cy={y} r={id === current?.id ? 8 : 5} />
              {label && (
                <text x={label.x} y={label.y} text-anchor={label.anchor}>
                  {short[i]}
                </text>
              )}
            </g>
          );
        })}
      </svg>
      <p class="hint">
        Two principal components of the task embeddings: tasks that look alike to the encoder are near one
        another. A point without room for its name tells it when it is pointed at.
      </p>
    </figure>
  );
}

const shortened = (name: string): string => (name.length > 18 ? `${name.slice(0, 17)}…` : name);
