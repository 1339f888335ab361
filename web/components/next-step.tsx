import type { Obstacle } from '../draft.ts';
import type { Work } from '../runs.ts';

interface NextStepProps {
  readonly obstacle: Obstacle | undefined;
  readonly work: Work<string>;
  /** whether there is a classifier of the classes as they are */
  readonly made: boolean;
  readonly onMake: () => void;
}

/** Goes to a part of the page. */
function goTo(selector: string): void {
  const element = document.querySelector<HTMLElement>(selector);
  element?.scrollIntoView({ block: 'start' });
  element?.querySelector<HTMLElement>('input[type=file], h2')?.focus({ preventScroll: true });
}

/** On a narrow screen: what is to be done next, always in view. */
export function NextStep({ obstacle, work, made, onMake }: NextStepProps) {
  if (work.kind === 'running')
    return (
      <aside class="next" aria-label="Next step">
        <span>{work.status.text} …</span>
        <progress aria-hidden="true" value={work.status.done} />
      </aside>
    );
  const step = obstacle
    ? {
        text: obstacle.text,
        button: 'Show',
        act: () => goTo(obstacle.at === undefined ? '#classes' : `[data-class="${obstacle.at}"]`),
      }
    : made
      ? { text: 'Your classifier stands.', button: 'Try it', act: () => goTo('#try') }
      : { text: 'Your classes are ready.', button: 'Make it', act: onMake };
  return (
    <aside class="next" aria-label="Next step">
      <span>{step.text}</span>
      <button type="button" class="primary" onClick={step.act}>
        {step.button}
      </button>
    </aside>
  );
}
