import { ServiceError } from '../errors/errors.ts';
import { fileError, whereIs, type UploadedFile } from './files.ts';

export const LABEL_LIMITS = {
  classes: { min: 2, max: 20 },
  images: { max: 50 },
  characters: { max: 100 },
} as const;

/** Controls, line and paragraph separators, and U+FFFD, which stands for bytes that are not UTF-8. */
const FORBIDDEN = /[\p{Cc}\p{Zl}\p{Zp}\uFFFD]/u;

/** A field name as a label: NFC, 1 to 100 code points, not blank, no control characters. */
function labelOf(file: UploadedFile): string {
  const label = file.part.name.normalize('NFC');
  const length = Array.from(label).length;
  if (label.trim() === '') throw fileError('invalid-label', file, 'the label is blank.');
  if (length > LABEL_LIMITS.characters.max)
    throw fileError('invalid-label', file, `the label has ${length} characters, 100 are allowed.`);
  if (FORBIDDEN.test(label))
    throw fileError('invalid-label', file, 'the label has a control character or is not UTF-8.');
  return label;
}

/**
 * The files of a query set with the positions of their labels among those of the task.
 * @throws ServiceError `invalid-label`, `unknown-label`
 */
export function truthsOf(files: readonly UploadedFile[], labels: readonly string[]): readonly number[] {
  return files.map((file) => {
    const truth = labels.indexOf(labelOf(file));
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
    if (counts.size > LABEL_LIMITS.classes.max)
      throw fileError('too-many-classes', file, 'a task has at most 20 labels.');
    if (count > LABEL_LIMITS.images.max)
      throw fileError('too-many-images', file, 'a label has at most 50 images.');
    return { label, file };
  });
  if (counts.size < LABEL_LIMITS.classes.min)
    throw new ServiceError('too-few-classes', {
      detail: `All ${files.length} files have the label ${JSON.stringify(labelled[0]?.label)}; a task needs at least two different labels.`,
      ...(files[0] && whereIs(files[0])),
    });
  return labelled;
}
