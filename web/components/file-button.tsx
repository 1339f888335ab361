import type { ComponentProps } from 'preact';
import { chosenFiles } from '../files.ts';
import type { ChosenFiles } from '../files.ts';
import { accepted } from '../image-types.ts';
import { Icon } from './icon.tsx';

interface FileButtonProps {
  readonly text: string;
  readonly icon: ComponentProps<typeof Icon>['name'];
  /** what it is for, where the text alone does not say */
  readonly label?: string;
  readonly folder?: boolean;
  /** types and endings of files that are offered */
  readonly accept?: readonly string[];
  readonly onFiles: (files: ChosenFiles) => void;
}

/** Opens the browser's own picker. */
export function FileButton({
  text,
  icon,
  label = text,
  folder = false,
  accept = accepted,
  onFiles,
}: FileButtonProps) {
  return (
    <label class="button">
      <input
        type="file"
        multiple
        accept={accept.join(',')}
        aria-label={label}
        {...(folder ? { webkitdirectory: true } : {})}
        onChange={({ currentTarget }) => {
          onFiles(chosenFiles(currentTarget.files));
          currentTarget.value = ''; // the same files can be chosen again
        }}
      />
      <Icon name={icon} />
      <span class="text">{text}</span>
    </label>
  );
}
