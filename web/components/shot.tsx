import type { Shot } from '../draft.ts';
import type { Remark } from '../remarks.ts';
import { leaveFocus } from './focus.ts';
import { Thumbnail } from './thumbnail.tsx';

interface ShotViewProps {
  readonly shot: Shot;
  /** of its class */
  readonly called: string;
  readonly remark: Remark | undefined;
  readonly onRemove: () => void;
}

/** An image of a class: a picture, a ✕ that removes it, and what there is to say of it. */
export function ShotView({ shot, called, remark, onRemove }: ShotViewProps) {
  const { name } = shot.file;
  return (
    <li class={`shot ${remark?.kind ?? ''}`}>
      <Thumbnail file={shot.file} alt={name} />
      {remark && (
        <span class="mark" role="img" aria-label={remark.text} title={remark.text}>
          !
        </span>
      )}
      <button
        type="button"
        class="away"
        aria-label={`Remove ${name} from ${called}`}
        onClick={({ currentTarget }) => {
          leaveFocus(currentTarget, 'fieldset', '.away', 'input[type=file]');
          onRemove();
        }}
      >
        ✕
      </button>
    </li>
  );
}
