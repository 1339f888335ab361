import { useState } from 'preact/hooks';
import * as drafts from '../draft.ts';
import type { ClassDraft, Draft } from '../draft.ts';
import type { ChosenFiles } from '../files.ts';
import { counted } from '../format.ts';
import { Camera, hasCamera } from './camera.tsx';
import { DropZone } from './drop-zone.tsx';
import { FileButton } from './file-button.tsx';
import { leaveFocus } from './focus.ts';
import { PassedOver } from './passed-over.tsx';
import { Thumbnail } from './thumbnail.tsx';

interface ClassEditorProps {
  readonly draft: Draft;
  readonly onChange: (change: (draft: Draft) => Draft) => void;
}

/** The classes of the task that is being put together, and their images. */
export function ClassEditor({ draft, onChange }: ClassEditorProps) {
  const [passedOver, setPassedOver] = useState<readonly string[]>([]);
  const add = ({ plain, labelled, passedOver: names }: ChosenFiles) => {
    setPassedOver(names);
    onChange((now) => drafts.addLoose(drafts.addLabelled(now, labelled), plain));
  };
  const images = draft.reduce((sum, { shots }) => sum + shots.length, 0);
  return (
    <DropZone class="classes" onFiles={add}>
      {draft.map((entry, position) => (
        <ClassCard
          key={entry.key}
          entry={entry}
          position={position}
          removable={draft.length > drafts.limits.classes.min}
          onChange={onChange}
          onPassedOver={setPassedOver}
        />
      ))}
      <div class="card add">
        {draft.length < drafts.limits.classes.max && (
          <button type="button" onClick={() => onChange((now) => [...now, drafts.emptyClass()])}>
            Add a class
          </button>
        )}
        <FileButton
          text="Add a folder"
          label="Add a folder with a folder of images a class"
          folder
          onFiles={add}
        />
        <p class="hint">A folder's subfolders become classes. Folders can be dropped here, too.</p>
        <PassedOver names={passedOver} />
        <p role="status" class="hidden">
          {images > 0 && `${counted(images, 'image')} in ${draft.length} classes`}
        </p>
      </div>
    </DropZone>
  );
}

interface ClassCardProps {
  readonly entry: ClassDraft;
  readonly position: number;
  readonly removable: boolean;
  readonly onChange: ClassEditorProps['onChange'];
  readonly onPassedOver: (names: readonly string[]) => void;
}

function ClassCard({ entry, position, removable, onChange, onPassedOver }: ClassCardProps) {
  const [camera, setCamera] = useState(false);
  const { key, label, shots } = entry;
  const called = label.trim() === '' ? `class ${position + 1}` : label;
  const add = ({ plain, labelled, passedOver }: ChosenFiles) => {
    onPassedOver(passedOver);
    onChange((now) => drafts.addLabelled(drafts.addShots(now, key, plain), labelled));
  };
  return (
    <DropZone class="card" onFiles={add}>
      <fieldset>
        <legend class="hidden">{called}</legend>
        <div class="row">
          <input
            type="text"
            class="label"
            value={label}
            maxLength={drafts.limits.label.max}
            placeholder={`Name of class ${position + 1}`}
            aria-label={`Name of class ${position + 1}`}
            onInput={({ currentTarget }) => onChange((now) => drafts.rename(now, key, currentTarget.value))}
          />
          {removable && (
            <button
              type="button"
              class="quiet"
              aria-label={`Remove ${called}`}
              onClick={({ currentTarget }) => {
                leaveFocus(currentTarget.closest('.card')!, '.classes', 'input.label');
                onChange((now) => drafts.removeClass(now, key));
              }}
            >
              ✕
            </button>
          )}
        </div>
        <ul class="shots" aria-label={`Images of ${called}`}>
          {shots.map((shot) => (
            <li key={shot.key}>
              <button
                type="button"
                class="shot"
                aria-label={`Remove ${shot.file.name} from ${called}`}
                onClick={({ currentTarget }) => {
                  leaveFocus(currentTarget, 'fieldset', '.shot', 'input[type=file]');
                  onChange((now) => drafts.removeShot(now, shot.key));
                }}
              >
                <Thumbnail file={shot.file} alt={shot.file.name} />
              </button>
            </li>
          ))}
        </ul>
        <p class="hint">{shots.length === 0 ? 'Drop images here, or' : counted(shots.length, 'image')}</p>
        <div class="row">
          <FileButton text="Choose images" label={`Choose images of ${called}`} onFiles={add} />
          {hasCamera() && (
            <button type="button" aria-pressed={camera} onClick={() => setCamera(!camera)}>
              Camera
            </button>
          )}
        </div>
        {camera && (
          <Camera
            name={called}
            onPicture={(file) => onChange((now) => drafts.addShots(now, key, [file]))}
            onClose={() => setCamera(false)}
          />
        )}
      </fieldset>
    </DropZone>
  );
}
