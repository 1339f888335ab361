import { useState } from 'preact/hooks';
import { hasKey } from '../key.ts';
import { snippetsOf } from '../snippets.ts';
import type { MadeTask } from '../task.ts';

/** How programs use this task. */
export function Snippets({ task }: { readonly task: MadeTask }) {
  return (
    <details>
      <summary>Use it in a program</summary>
      {snippetsOf(task, { origin: location.origin, wantsKey: hasKey() }).map(({ name, text }) => (
        <Snippet key={name} name={name} text={text} />
      ))}
    </details>
  );
}

function Snippet({ name, text }: { readonly name: string; readonly text: string }) {
  const [state, setState] = useState<string>();
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setState('Copied'),
      () => setState('Not allowed to copy: select the text instead'),
    );
  return (
    <figure class="snippet">
      <figcaption class="row spread">
        {name}
        <span class="row">
          <span role="status" class="hint">
            {state}
          </span>
          {'clipboard' in navigator && (
            <button type="button" aria-label={`Copy ${name}`} onClick={() => void copy()}>
              Copy
            </button>
          )}
        </span>
      </figcaption>
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </figure>
  );
}
