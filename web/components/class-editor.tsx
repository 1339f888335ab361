import * as drafts from '../draft.ts';
import type { ChosenFiles } from '../files.ts';
import { counted } from '../format.ts';
import { accepted } from '../image-types.ts';
import { ClassCard } from './class-card.tsx';
import { DropZone } from './drop-zone.tsx';
import { FileButton } from './file-button.tsx';
import { Icon } from './icon.tsx';
import { PassedOver } from './passed-over.tsx';
import type { DraftState } from './use-draft.ts';

/** From so many classes on each takes less room. */
const many = 7;

/** The classes of the task that is being put together, and their images. */
export function ClassEditor({ state }: { readonly state: DraftState }) {
  const { draft, remarks, passedOver } = state;
  const add = (files: ChosenFiles) => state.take(files);
  const images = drafts.imagesOf(draft);
  return (
    <DropZone class={`classes ${draft.length >= many ? 'many' : ''}`} onFiles={add}>
      {draft.map((entry, position) => (
        <ClassCard
          key={entry.key}
          entry={entry}
          position={position}
          removable={draft.length > drafts.limits.classes.min || entry.shots.length > 0}
          compact={draft.length >= many}
          remarks={remarks}
          onRename={(label) => state.change((now) => drafts.rename(now, entry.key, label))}
          onFiles={(files) => state.take(files, entry.key)}
          onPicture={(file) => state.change((now) => drafts.addShots(now, entry.key, [file]))}
          onRemoveShot={(shot) => state.removeShot(shot)}
          onRemove={() => state.removeClass(entry)}
        />
      ))}
      <div class="row add">
        {draft.length < drafts.limits.classes.max && (
          <button type="button" onClick={() => state.change(drafts.addClass)}>
            <Icon name="add" />
            Add a class
          </button>
        )}
        <FileButton
          icon="folder"
          text="Folder"
          label="Add a folder with a folder of images a class"
          folder
          onFiles={add}
        />
        <FileButton
          icon="zip"
          text="Zip"
          label="Add a zip archive with a folder of images a class"
          accept={['application/zip', '.zip', ...accepted]}
          onFiles={add}
        />
        <span class="hint">each folder in it becomes a class</span>
      </div>
      <PassedOver names={passedOver} />
      <p role="status" class="hidden">
        {images > 0 && `${counted(images, 'image')} in ${draft.length} classes`}
      </p>
    </DropZone>
  );
}
