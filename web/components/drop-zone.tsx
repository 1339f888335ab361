import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { droppedFiles } from '../files.ts';
import type { ChosenFiles } from '../files.ts';

interface DropZoneProps {
  readonly class?: string;
  readonly onFiles: (files: ChosenFiles) => void;
  readonly children: ComponentChildren;
}

/** Takes files and folders that are dropped on it; what it holds offers the same to keyboards. */
export function DropZone({ class: name = '', onFiles, children }: DropZoneProps) {
  const [over, setOver] = useState(false);
  return (
    <div
      class={`${name} ${over ? 'over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        event.stopPropagation(); // one zone at a time: of two, the outer one is not told of the drop
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        setOver(false);
        if (event.dataTransfer) void droppedFiles(event.dataTransfer).then(onFiles);
      }}
    >
      {children}
    </div>
  );
}
