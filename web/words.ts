import { ForeignAnswerError, MnasError, UnreachableError } from '../client/index.ts';
import type { Schema } from '../contract/schema.ts';
import type { ClassFiles } from './api.ts';
import { filesByLabel } from './api.ts';

/** An error as the page tells it, and the image that it is about, where it is one. */
export interface Told {
  readonly text: string;
  readonly file?: File;
}

type Code = Schema<'ErrorCode'>;

/** What the service refuses, in the page's own words; what is not here can only come of a fault of the page. */
const words: Partial<Record<Code, string>> = {
  'empty-file': 'This file is empty.',
  'file-too-large': 'This file is larger than the service takes.',
  'image-too-large': 'This image has more pixels than the service takes; make it smaller.',
  'unsupported-image': 'The service does not know this image format; export it as JPEG or PNG.',
  'broken-image': 'This image cannot be read; it may be damaged.',
  'body-too-large':
    'These are more megabytes of photos than the service takes at once; use fewer or smaller ones.',
  'too-many-files': 'These are more photos than the service takes at once.',
  'too-many-images': 'A class has more photos than the service takes.',
  'too-many-classes': 'These are more classes than the service takes.',
  'too-much-work': 'These are more photos than the service can work on for one visitor; use fewer.',
  'budget-too-small': 'No network for these classes is as small as that; allow a larger file.',
  'too-few-images': 'Every class has one photo only, so none can be left out to check it.',
  'invalid-label': 'A class has a name that the service does not take; use letters and digits.',
  unauthorized: 'This service wants a key.',
  'missing-scope': 'This key may not do this; ask whoever runs the service for another one.',
  'forbidden-origin': 'This service does not answer pages of this address.',
  'unknown-task':
    'The service does not have this task any more. Its photos can be made into a classifier again.',
  'rate-limited':
    'You have asked for more than the service gives one visitor for now; try again in a minute.',
  'too-much-at-once':
    'You have asked for more than the service gives one visitor for now; try again in a minute.',
  overloaded: 'The service is busy; try again in a minute.',
  'deadline-exceeded': 'The service is busy and could not answer in time; try again in a minute.',
  'upload-timeout': 'The photos took too long to arrive; the connection may be slow.',
  'storage-unavailable': 'The service cannot keep anything for now; try again later.',
  'queue-unavailable': 'The service cannot take on work at the moment; try again in a few seconds.',
  'not-ready': 'The service is still starting; try again in a few seconds.',
  'no-checkpoint': 'This service cannot make classifiers of images.',
  internal: 'The service failed. Whoever runs it finds the reason in its log',
};

/** An error in words of the page; `classes` are what was posted. */
export function told(error: unknown, classes: readonly ClassFiles[] = []): Told {
  if (error instanceof MnasError) {
    const { code, part, requestId } = error.problem;
    const own = words[code] ?? `The service refused this: ${error.problem.title.toLowerCase()}.`;
    const text = code === 'internal' ? `${own}, under ${requestId}.` : own;
    const file = part && postedFiles(classes)[part.index];
    return file ? { text: `${file.name}: ${text}`, file } : { text };
  }
  if (error instanceof ForeignAnswerError)
    return { text: `Something between here and the service answered in its place (${error.status}).` };
  if (error instanceof UnreachableError || error instanceof TypeError)
    return { text: 'The service cannot be reached. Is it running, and is this device connected?' };
  return { text: error instanceof Error ? error.message : String(error) };
}

/** Files in the order in which the client posts them. */
export const postedFiles = (classes: readonly ClassFiles[]): readonly File[] =>
  Object.values(filesByLabel(classes)).flat();
