import { useRef } from 'preact/hooks';
import type { Work } from '../runs.ts';
import type { Place } from '../task.ts';
import { WorkState } from './work-state.tsx';
import type { Origin } from './work-state.tsx';

interface MakePanelProps {
  readonly place: Place;
  readonly onPlace: (place: Place) => void;
  /** why nothing can be made yet */
  readonly obstacle: string | undefined;
  readonly work: Work<Origin>;
  readonly onKey: (key: string) => void;
  readonly onMake: () => void;
  readonly onCancel: () => void;
}

/** The one button, where the work is done, and how far it is. */
export function MakePanel({ place, onPlace, obstacle, work, onKey, onMake, onCancel }: MakePanelProps) {
  const working = work.kind === 'running';
  const idle = !working && obstacle === undefined;
  const button = useRef<HTMLButtonElement>(null);
  return (
    <div class="make">
      <label class="switch">
        <input
          type="checkbox"
          role="switch"
          checked={place === 'device'}
          disabled={working}
          onChange={({ currentTarget }) => onPlace(currentTarget.checked ? 'device' : 'server')}
        />
        <span>
          <strong>On this device</strong>
          <span class="hint">
            {place === 'device'
              ? 'Everything is computed in this browser: no image leaves your machine.'
              : 'Off: the images are sent to this service, which is faster.'}
          </span>
        </span>
      </label>
      {/* two buttons, of which one stays: the second click of a double click must not cancel */}
      <div class="row">
        <button
          key="make"
          ref={button}
          type="button"
          class="primary"
          aria-disabled={!idle}
          aria-describedby="obstacle"
          onClick={() => {
            if (idle) onMake();
          }}
        >
          Make the classifier
        </button>
        {working && (
          <button
            key="cancel"
            type="button"
            onClick={() => {
              button.current?.focus();
              onCancel();
            }}
          >
            Cancel
          </button>
        )}
      </div>
      <p id="obstacle" class="hint">
        {!working && obstacle}
      </p>
      <WorkState work={work} from="panel" onKey={onKey} />
    </div>
  );
}
