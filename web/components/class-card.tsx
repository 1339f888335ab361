import { useState } from 'preact/hooks';
import * as drafts from '../draft.ts';
import type { ClassDraft, Shot } from '../draft.ts';
import type { ChosenFiles } from '../files.ts';
import { counted } from '../format.ts';
import { hueAt } from '../hue.ts';
import type { Remark } from '../remarks.ts';
import { DropZone } from './drop-zone.tsx';
import { FileButton } from './file-button.tsx';
import { leaveFocus } from './focus.ts';
import { Icon } from './icon.tsx';
import { Recorder } from './recorder.tsx';
import { ShotView } from './shot.tsx';
import { hasCamera } from './use-camera.ts';

/** Images that a class among many shows at first. */
const glimpse = 5;

/** Remarks that are written out under a class; of more there are marks at the images only. */
const written = 2;

interface ClassCardProps {
  readonly entry: ClassDraft;
  readonly position: number;
  readonly removable: boolean;
  /** whether it takes little room: there are many classes */
  readonly compact: boolean;
  readonly remarks: ReadonlyMap<number, Remark>;
  readonly onRename: (label: string) => void;
  readonly onFiles: (files: ChosenFiles) => void;
  readonly onPicture: (file: File) => void;
  readonly onRemoveShot: (shot: Shot) => void;
  readonly onRemove: () => void;
}

/** A class: its name, its images, and the ways to more of them. */
export function ClassCard(props: ClassCardProps) {
  const { entry, position, removable, compact, remarks, onFiles, onRemove } = props;
  const [camera, setCamera] = useState(false);
  const [all, setAll] = useState(false);
  const { key, label, shots } = entry;
  const called = label.trim() === '' ? `class ${position + 1}` : label;
  const own = shots.flatMap((shot) => {
    const remark = remarks.get(shot.key);
    return remark ? [{ name: shot.file.name, ...remark }] : [];
  });
  // what there is a remark on is seen in any case
  const shown = compact && !all ? shots.filter((shot, i) => i < glimpse || remarks.has(shot.key)) : shots;
  const hidden = shots.length - shown.length;
  return (
    <DropZone class={`card class ${hueAt(position)} ${shots.length === 0 ? 'vacant' : ''}`} onFiles={onFiles}>
      <fieldset data-class={key}>
        <legend class="hidden">{called}</legend>
        <div class="row head">
          <input
            type="text"
            class="label"
            value={label}
            maxLength={drafts.limits.label.max}
            aria-label={`Name of class ${position + 1}`}
            onFocus={({ currentTarget }) => currentTarget.select()}
            onInput={({ currentTarget }) => props.onRename(currentTarget.value)}
          />
          <span class="hint">{shots.length > 0 && counted(shots.length, 'image')}</span>
          {removable && (
            <button
              type="button"
              class="quiet"
              aria-label={`Remove ${called}`}
              onClick={({ currentTarget }) => {
                leaveFocus(currentTarget.closest('.card')!, '.classes', 'input.label');
                onRemove();
              }}
            >
              ✕
            </button>
          )}
        </div>
        {shots.length > 0 && (
          <ul class="shots" tabIndex={0} aria-label={`Images of ${called}`}>
            {shown.map((shot) => (
              <ShotView
                key={shot.key}
                shot={shot}
                called={called}
                remark={remarks.get(shot.key)}
                onRemove={() => props.onRemoveShot(shot)}
              />
            ))}
            {compact && shots.length > glimpse && (
              <li>
                <button
                  type="button"
                  class="more"
                  aria-label={
                    all ? `− Show fewer images of ${called}` : `+${hidden} Show all images of ${called}`
                  }
                  aria-expanded={all}
                  onClick={() => setAll(!all)}
                >
                  {all ? '−' : `+${hidden}`}
                </button>
              </li>
            )}
          </ul>
        )}
        {own.slice(0, written).map(({ name, text, kind }, i) => (
          <p
            key={i}
            class={kind === 'problem' ? 'error' : 'doubtful'}
            role={kind === 'problem' ? 'alert' : 'note'}
          >
            {name}: {text}
          </p>
        ))}
        <div class="row ways">
          <FileButton
            icon="images"
            text="Choose images"
            label={`Choose images of ${called}`}
            onFiles={onFiles}
          />
          {hasCamera() && (
            <button
              type="button"
              aria-label={`Camera for ${called}`}
              aria-pressed={camera}
              onClick={() => setCamera(!camera)}
            >
              <Icon name="camera" />
              <span class="text">Camera</span>
            </button>
          )}
          {shots.length === 0 && <span class="hint">or drop or paste them here</span>}
        </div>
        {camera && (
          <Recorder
            name={called}
            room={drafts.limits.images.max - shots.length}
            onPicture={props.onPicture}
            onClose={() => setCamera(false)}
          />
        )}
      </fieldset>
    </DropZone>
  );
}
