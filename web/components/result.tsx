import { useState } from 'preact/hooks';
import { download } from '../files.ts';
import { amount, duration, percent } from '../format.ts';
import { service } from '../api.ts';
import { classesOf } from '../shown.ts';
import type { Shown } from '../shown.ts';
import { canEstimate } from '../task.ts';
import { Architecture } from './architecture.tsx';
import { Estimate } from './estimate.tsx';
import { Snippets } from './snippets.tsx';

/** What a task has become. */
export function Result({ task, source }: Pick<Shown, 'task' | 'source'>) {
  const classes = classesOf({ task, source });
  const { place, id, labels, shots, architecture, support, model, steps, timings } = task;
  const total = timings['total'] ?? Object.values(timings).reduce((sum, value) => sum + value, 0);
  const facts: readonly (readonly [string, string, string])[] = [
    ['Classes', String(labels.length), labels.map((label) => `${label} ${shots[label]}`).join(', ')],
    ['Size', `${amount(model.length)}B`, `${amount(architecture.weights)} weights`],
    ['Work', amount(architecture.multiplyAdds), 'multiply-adds an image'],
    ['Made in', duration(total), place === 'device' ? 'on this device' : `by the service, ${steps} steps`],
    [
      'On its own images',
      percent(support.after.accuracy),
      `${percent(support.before.accuracy)} before the ${steps} steps`,
    ],
  ];
  return (
    <>
      <dl class="facts">
        {facts.map(([name, value, note]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <strong>{value}</strong>
              <span class="hint">{note}</span>
            </dd>
          </div>
        ))}
      </dl>
      <div class="row">
        <button type="button" onClick={() => download(`m-nas-${id}.onnx`, model)}>
          Download the ONNX file
        </button>
        {place === 'server' && <BundleButton id={id} />}
      </div>
      {classes && canEstimate(classes) && <Estimate key={id} task={task} classes={classes} />}
      <Architecture genotype={architecture.genotype} />
      <Snippets task={task} />
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
      setError(reason instanceof Error ? reason.message : String(reason));
    }
  };
  return (
    <>
      <button type="button" onClick={() => void save()}>
        Download for Triton or KServe
      </button>
      {error !== undefined && (
        <span role="alert" class="error">
          {error}
        </span>
      )}
    </>
  );
}
