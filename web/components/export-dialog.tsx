import { useRef, useState } from 'preact/hooks';
import { service } from '../api.ts';
import { download } from '../files.ts';
import { amount } from '../format.ts';
import { hasKey } from '../key.ts';
import { snippetsOf } from '../snippets.ts';
import type { MadeTask } from '../task.ts';
import { told } from '../words.ts';
import { Icon } from './icon.tsx';

/** A button, and the dialog with everything that the classifier can be taken away as. */
export function ExportButton({ task, threshold }: { readonly task: MadeTask; readonly threshold: number }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [opened, setOpened] = useState(false);
  const { place, id, model } = task;
  const file = `m-nas-${id}.onnx`;
  return (
    <>
      <button
        type="button"
        class="strong"
        onClick={() => {
          setOpened(true);
          dialog.current?.showModal();
        }}
      >
        <Icon name="download" />
        Export
      </button>
      <dialog ref={dialog} aria-labelledby="export" class="export" onClose={() => setOpened(false)}>
        {opened && (
          <>
            <div class="row spread">
              <h2 id="export">Use it anywhere</h2>
              <button type="button" onClick={() => dialog.current?.close()}>
                Close
              </button>
            </div>
            <div class="row">
              <button type="button" class="primary" onClick={() => download(file, model)}>
                Download the ONNX file
              </button>
              <span class="hint">{amount(model.length)}B, runs wherever ONNX does</span>
            </div>
            {place === 'server' && <BundleButton id={id} />}
            <h3>In a program</h3>
            {snippetsOf(task, { origin: location.origin, wantsKey: hasKey(), threshold }).map(
              ({ name, text }) => (
                <Snippet key={name} name={name} text={text} />
              ),
            )}
          </>
        )}
      </dialog>
    </>
  );
}

/** Loaded by the page, since a link could not send the key of a service that wants one. */
function BundleButton({ id }: { readonly id: string }) {
  const [error, setError] = useState<string>();
  const save = async () => {
    try {
      download(`m-nas-${id}.zip`, await service().getBundle(id));
      setError(undefined);
    } catch (reason) {
      setError(told(reason).text);
    }
  };
  return (
    <div class="row">
      <button type="button" onClick={() => void save()}>
        Download for Triton or KServe
      </button>
      <span class="hint">a model repository as a zip</span>
      {error !== undefined && (
        <span role="alert" class="error">
          {error}
        </span>
      )}
    </div>
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
    <details class="snippet" name="snippets">
      <summary>{name}</summary>
      <div class="row">
        {'clipboard' in navigator && (
          <button type="button" aria-label={`Copy ${name}`} onClick={() => void copy()}>
            Copy
          </button>
        )}
        <span role="status" class="hint">
          {state}
        </span>
      </div>
      <pre tabIndex={0} aria-label={`${name} program`} role="region">
        <code>{text}</code>
      </pre>
    </details>
  );
}
