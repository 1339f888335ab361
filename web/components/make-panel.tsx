import { useRef } from 'preact/hooks';
import type { Obstacle } from '../draft.ts';
import { amount } from '../format.ts';
import type { Work } from '../runs.ts';
import type { Place } from '../task.ts';
import { Icon } from './icon.tsx';
import { WorkState } from './work-state.tsx';
import type { Origin } from './work-state.tsx';

interface MakePanelProps {
  readonly place: Place;
  readonly onPlace: (place: Place) => void;
  /** ids that can be started from, the default first */
  readonly checkpoints: readonly string[];
  readonly checkpoint: string | undefined;
  readonly onCheckpoint: (id: string) => void;
  /** bytes that the file can be limited to, the smallest first */
  readonly sizes: readonly number[];
  /** undefined: no limit */
  readonly size: number | undefined;
  readonly onSize: (bytes: number | undefined) => void;
  /** why nothing can be made yet */
  readonly obstacle: Obstacle | undefined;
  /** whether there is a classifier of classes that have changed since */
  readonly stale: boolean;
  readonly made: boolean;
  readonly work: Work<Origin>;
  readonly onKey: (key: string) => void;
  readonly onMake: () => void;
  readonly onCancel: () => void;
}

/** The one button, where the work is done and from what, and how far it is. */
export function MakePanel(props: MakePanelProps) {
  const { place, checkpoints, obstacle, stale, made, work, onMake } = props;
  const working = work.kind === 'running';
  const idle = !working && obstacle === undefined;
  const button = useRef<HTMLButtonElement>(null);
  return (
    <div class={`make ${made && !stale ? 'again' : ''}`}>
      {/* two buttons, of which one stays: the second click of a double click must not cancel */}
      <div class="row act">
        <button
          key="make"
          ref={button}
          type="button"
          class={made && !stale ? '' : 'primary'}
          aria-disabled={!idle}
          aria-describedby="obstacle"
          onClick={() => {
            if (idle) onMake();
          }}
        >
          <Icon name="make" />
          {made ? 'Make it again' : 'Make the classifier'}
        </button>
        {working && (
          <button
            key="cancel"
            type="button"
            onClick={() => {
              button.current?.focus();
              props.onCancel();
            }}
          >
            Cancel
          </button>
        )}
      </div>
      <p id="obstacle" class="hint">
        {!working && obstacle?.text}
      </p>
      <WorkState work={work} from="panel" onKey={props.onKey} />
      <details class="options">
        <summary>{place === 'device' ? 'On this device: no photo leaves it' : 'Options'}</summary>
        <label class="switch">
          <input
            type="checkbox"
            role="switch"
            checked={place === 'device'}
            disabled={working}
            onChange={({ currentTarget }) => props.onPlace(currentTarget.checked ? 'device' : 'server')}
          />
          <span>
            <strong>On this device</strong>
            <span class="hint">
              {place === 'device'
                ? 'Everything is computed in this browser: no photo leaves your device.'
                : 'Off: the photos are sent to this service, which is faster.'}
            </span>
          </span>
        </label>
        {checkpoints.length > 1 && (
          <label class="choice">
            <strong>Start from</strong>
            <select
              value={props.checkpoint ?? checkpoints[0]}
              disabled={working}
              onChange={({ currentTarget }) => props.onCheckpoint(currentTarget.value)}
            >
              {checkpoints.map((id, i) => (
                <option key={id} value={id}>
                  {i === 0 ? `${id} (recommended)` : id}
                </option>
              ))}
            </select>
          </label>
        )}
        {props.sizes.length > 0 && (
          <label class="choice">
            <strong>Largest file</strong>
            <select
              value={props.size ?? ''}
              disabled={working}
              onChange={({ currentTarget: { value } }) =>
                props.onSize(value === '' ? undefined : Number(value))
              }
            >
              <option value="">Any size (recommended)</option>
              {props.sizes.map((bytes) => (
                <option key={bytes} value={bytes}>
                  {`At most ${amount(bytes)}B`}
                </option>
              ))}
            </select>
          </label>
        )}
      </details>
    </div>
  );
}
