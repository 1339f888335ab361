import { useState } from 'preact/hooks';
import type { Place, Status } from '../task.ts';

interface MakePanelProps {
  readonly place: Place;
  readonly onPlace: (place: Place) => void;
  /** why nothing can be made yet */
  readonly obstacle: string | undefined;
  /** what is going on, while something is being made */
  readonly status: Status | undefined;
  readonly error: string | undefined;
  /** takes the key that the service wants; undefined while it wants none */
  readonly onKey: ((key: string) => void) | undefined;
  readonly onMake: () => void;
  readonly onCancel: () => void;
}

/** The one button, where the work is done, and how far it is. */
export function MakePanel(props: MakePanelProps) {
  const { place, onPlace, obstacle, status, error, onKey, onMake, onCancel } = props;
  const working = status !== undefined;
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
      {working ? (
        <button type="button" onClick={onCancel}>
          Cancel
        </button>
      ) : (
        <button
          type="button"
          class="primary"
          disabled={obstacle !== undefined}
          aria-describedby="obstacle"
          onClick={onMake}
        >
          Make the classifier
        </button>
      )}
      <p id="obstacle" class="hint">
        {!working && obstacle}
      </p>
      <div role="status">
        {working && (
          <>
            <progress aria-label="Progress" value={status.done} />
            <span>{status.text} …</span>
          </>
        )}
      </div>
      {error !== undefined && (
        <p role="alert" class="error">
          {error}
        </p>
      )}
      {onKey && <KeyForm onKey={onKey} />}
    </div>
  );
}

function KeyForm({ onKey }: { readonly onKey: (key: string) => void }) {
  const [key, setKey] = useState('');
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        onKey(key.trim());
      }}
    >
      <input
        type="password"
        autocomplete="off"
        aria-label="API key"
        placeholder="API key"
        value={key}
        onInput={({ currentTarget }) => setKey(currentTarget.value)}
      />
      <button type="submit">Use this key</button>
    </form>
  );
}
