import type { Judgement, Verdict } from '../answers.ts';
import { percent } from '../format.ts';
import { hueOf } from '../hue.ts';

/** From so many classes on each bar takes less room. */
const many = 7;

interface BarsProps {
  readonly labels: readonly string[];
  /** labels of the classes as they stand on the page: a bar has its class's colour */
  readonly order: readonly string[];
  readonly judgement: Judgement;
  readonly verdict: Verdict;
}

/** What an image is taken for, in one word, and one bar a class. */
export function Bars({ labels, order, judgement, verdict }: BarsProps) {
  const { best, probability, foreign } = verdict;
  return (
    <>
      <p class="headline">
        {foreign ? (
          <>
            <strong>unknown</strong> <span class="hint">most like {best}</span>
          </>
        ) : (
          <>
            <strong>{best}</strong> <span>{percent(probability)}</span>
          </>
        )}
      </p>
      <ul class={`bars ${labels.length >= many ? 'many' : ''}`}>
        {labels.map((label, i) => (
          <li
            key={label}
            class={`${hueOf(label, labels, order)} ${!foreign && label === best ? 'best' : ''}`}
          >
            <span class="name">{label}</span>
            <progress value={judgement.probabilities[i]} aria-hidden="true" />
            <span class="number">{percent(judgement.probabilities[i]!)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
