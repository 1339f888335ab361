import { canonicalLabel, longestLabel, readLabel } from '../../contract/label.ts';
import { imageFormat, refusalOf } from '../../images/format.ts';
import { ServiceError } from '../errors/errors.ts';
import { fileError, whereIs } from './files.ts';
import type { UploadedFile } from './files.ts';

export const labelLimits = {
  classes: { min: 2, max: 20 },
  images: { max: 50 },
  characters: { max: longestLabel },
} as const;

/** A field name, folder or member as a label, by the one rule of all of them. @throws ServiceError `invalid-label` */
function labelOf(file: UploadedFile): string {
  const read = readLabel(file.part.name);
  if ('problem' in read) throw fileError('invalid-label', file, `${read.problem}.`);
  return read.label;
}

/**
 * The files of a query set with the positions of their labels among those of the task.
 * @throws ServiceError `invalid-label`, `unknown-label`
 */
export function truthsOf(files: readonly UploadedFile[], labels: readonly string[]): readonly number[] {
  const known = labels.map(canonicalLabel); // earlier versions kept white space
  return files.map((file) => {
    const truth = known.indexOf(labelOf(file));
    if (truth < 0)
      throw fileError(
        'unknown-label',
        file,
        `the label must be one of ${labels.map((label) => JSON.stringify(label)).join(', ')}.`,
      );
    return truth;
  });
}

export interface LabelledFile {
  readonly label: string;
  readonly file: UploadedFile;
}

/**
 * The files with their labels (field names), in the order of the body.
 * @throws ServiceError when a label is unusable or the numbers of classes and images are out of bounds
 */
export function labelFiles(files: readonly UploadedFile[]): readonly LabelledFile[] {
  const counts = new Map<string, number>();
  const labelled = files.map((file) => {
    const label = labelOf(file);
    const count = (counts.get(label) ?? 0) + 1;
    counts.set(label, count);
    if (counts.size > labelLimits.classes.max)
      throw fileError('too-many-classes', file, 'a task has at most 20 labels.');
    if (count > labelLimits.images.max)
      throw fileError('too-many-images', file, 'a label has at most 50 images.');
    return { label, file };
  });
  if (counts.size >= labelLimits.classes.min) return labelled;
  // such as an archive of another format, which is no class of its own
  const stranger = files.find(({ bytes }) => imageFormat(bytes) === undefined);
  if (stranger) throw fileError('unsupported-image', stranger, `${refusalOf(stranger.bytes)}.`);
  throw new ServiceError('too-few-classes', {
    detail: `All ${files.length} files have the label ${JSON.stringify(labelled[0]?.label)}; a task needs at least two different labels.`,
    ...(files[0] && whereIs(files[0])),
  });
}
