import { useState } from 'preact/hooks';
import { amount, duration, percent } from '../format.ts';
import { learned, specialOf } from '../special.ts';
import type { MadeTask } from '../task.ts';
import { Architecture } from './architecture.tsx';
import { Trade } from './trade.tsx';

const madeBy = (place: MadeTask['place'], steps: number): string => {
  if (place === 'device') return 'on this device';
  return steps === 0 ? 'by the service' : `by the service, ${steps} steps`;
};

/** Architecture, size and work of the network, for those who want to know. */
export function HowMade({ task }: { readonly task: MadeTask }) {
  const [open, setOpen] = useState(false);
  const { place, labels, shots, architecture, support, model, steps, timings, checkpoint, budget } = task;
  const total = timings['total'] ?? Object.values(timings).reduce((sum, value) => sum + value, 0);
  const facts: readonly (readonly [string, string, string])[] = [
    ['Classes', String(labels.length), labels.map((label) => `${label} ${shots[label]}`).join(', ')],
    [
      'Size',
      `${amount(model.length)}B`,
      `${amount(architecture.weights)} weights${budget?.maxBytes === undefined ? '' : `, at most ${amount(budget.maxBytes)}B were allowed`}`,
    ],
    ['Work', amount(architecture.multiplyAdds), 'multiply-adds an image'],
    ['Made in', duration(total), madeBy(place, steps)],
    ['Started from', checkpoint, `${percent(support.after.accuracy)} of its own photos right`],
  ];
  return (
    <details class="how" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>How it was made</summary>
      <p>{specialOf(task)}</p>
      <p class="hint">{learned(task)}</p>
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
      {open && <Trade task={task} />}
      {open && <Architecture genotype={architecture.genotype} />}
    </details>
  );
}
