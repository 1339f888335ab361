import { useState } from 'preact/hooks';
import { refusalStatus } from '../api.ts';
import { isKey } from '../key.ts';
import type { Work } from '../runs.ts';
import { told } from '../words.ts';

/** Where a run was begun: what becomes of it is shown there. */
export type Origin = 'panel' | 'gallery';

interface WorkStateProps {
  readonly work: Work<Origin>;
  /** shows nothing of runs that were begun elsewhere */
  readonly from: Origin;
  /** takes the key that the service wants */
  readonly onKey: (key: string) => void;
}

/** How far a run is, or why it failed, and the way on where that is a key. */
export function WorkState({ work, from, onKey }: WorkStateProps) {
  const own = work.kind !== 'idle' && work.from === from ? work : undefined;
  const error = own?.kind === 'failed' ? own.error : undefined;
  return (
    <>
      <div role="status" class="progress">
        {own?.kind === 'running' && (
          <>
            <progress aria-label="Progress" value={own.status.done} />
            <span>{own.status.text} …</span>
          </>
        )}
      </div>
      {error && (
        <p role="alert" class="error">
          {told(error).text}
        </p>
      )}
      {refusalStatus(error) === 401 && <KeyForm onKey={onKey} />}
    </>
  );
}

function KeyForm({ onKey }: { readonly onKey: (key: string) => void }) {
  const [key, setKey] = useState('');
  const [refused, setRefused] = useState(false);
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault();
        setRefused(!isKey(key));
        if (isKey(key)) onKey(key);
      }}
    >
      <input
        type="password"
        autocomplete="off"
        aria-label="API key"
        placeholder="API key"
        value={key}
        onInput={({ currentTarget }) => setKey(currentTarget.value.trim())}
      />
      <button type="submit">Use this key</button>
      {refused && (
        <p role="alert" class="error">
          A key has letters, digits and signs of ASCII only, and no spaces.
        </p>
      )}
    </form>
  );
}
