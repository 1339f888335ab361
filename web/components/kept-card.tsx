import { leaveFocus } from './focus.ts';
import { Picture } from './thumbnail.tsx';

interface KeptCardProps {
  /** the labels of its classes */
  readonly name: string;
  /** when it was kept, and what else there is to say */
  readonly hint: string;
  /** what the button that forgets it is for */
  readonly forget: string;
  readonly pictures?: readonly Blob[];
  /** whether it is the one that is shown; absent of what cannot be shown */
  readonly current?: boolean;
  /** absent of what can be opened at any time */
  readonly disabled?: boolean;
  readonly onOpen: () => void;
  readonly onForget: () => void;
}

/** Something that is remembered here: a button that opens it, and a ✕ that forgets it. */
export function KeptCard(props: KeptCardProps) {
  const { name, hint, forget, pictures, current, disabled, onOpen, onForget } = props;
  return (
    <li class="card kept">
      <button
        type="button"
        class="open"
        aria-current={current}
        aria-disabled={disabled}
        onClick={() => {
          if (!disabled) onOpen();
        }}
      >
        {pictures && (
          <span class="pictures">
            {pictures.map((picture, i) => (
              <Picture key={i} file={picture} alt="" />
            ))}
          </span>
        )}
        <span class="name">
          <span class="hidden">Open </span>
          {name}
        </span>
        <span class="hint">{hint}</span>
      </button>
      <button
        type="button"
        class="quiet"
        aria-label={forget}
        onClick={({ currentTarget }) => {
          leaveFocus(currentTarget.closest('li')!, 'ul', '.open');
          onForget();
        }}
      >
        ✕
      </button>
    </li>
  );
}
