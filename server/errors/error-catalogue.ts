import type { Schema } from '../../contract/schema.ts';

interface CatalogueEntry {
  readonly status: number;
  /** the same for every occurrence (RFC 9457, 3.1.3) */
  readonly title: string;
  /** the detail where an occurrence has nothing more precise to say */
  readonly message: string;
}

/** Every error that a client can get. docs/http.md lists the same table; a test compares them. */
export const catalogue: Readonly<Record<Schema<'ErrorCode'>, CatalogueEntry>> = {
  'invalid-query': {
    status: 400,
    title: 'Invalid query parameter',
    message: 'A query parameter is unknown or has an invalid value.',
  },
  'malformed-request': {
    status: 400,
    title: 'Malformed request',
    message: 'The request could not be understood.',
  },
  'unknown-checkpoint': { status: 400, title: 'Unknown checkpoint', message: 'No checkpoint has this id.' },
  'wrong-kind': {
    status: 400,
    title: 'Checkpoint of another kind',
    message: 'The checkpoint is of another kind than the body.',
  },
  'malformed-json': { status: 400, title: 'Malformed JSON', message: 'The body is not JSON in UTF-8.' },
  'unexpected-member': {
    status: 400,
    title: 'Unexpected member',
    message: 'The JSON body has a member that is not expected here.',
  },
  'invalid-tensor': {
    status: 400,
    title: 'Invalid tensor',
    message: 'The inference request does not fit the inputs and outputs of the model.',
  },
  'missing-boundary': {
    status: 400,
    title: 'Missing boundary',
    message: 'The Content-Type multipart/form-data has no boundary parameter.',
  },
  'malformed-multipart': {
    status: 400,
    title: 'Malformed multipart body',
    message: 'The body is not valid multipart/form-data.',
  },
  'truncated-body': {
    status: 400,
    title: 'Truncated body',
    message: 'The body ended before it was complete.',
  },
  'missing-field-name': { status: 400, title: 'Missing field name', message: 'A part has no field name.' },
  'text-part': { status: 400, title: 'Text where a file belongs', message: 'Every part must be a file.' },
  'unexpected-part': {
    status: 400,
    title: 'Unexpected part',
    message: 'A part has a field name that is not expected here.',
  },
  'no-files': { status: 400, title: 'No file', message: 'The body has no file part.' },
  'empty-file': { status: 400, title: 'Empty file', message: 'A file part has no content.' },
  unauthorized: {
    status: 401,
    title: 'Unauthorized',
    message: 'The request has no API key, or one that is not known here.',
  },
  'missing-scope': {
    status: 403,
    title: 'Missing scope',
    message: 'The API key may not do this.',
  },
  'forbidden-origin': {
    status: 403,
    title: 'Forbidden origin',
    message: 'A page of another origin may not use this service.',
  },
  'malformed-zip': {
    status: 400,
    title: 'Malformed zip archive',
    message: 'The zip archive is truncated, broken, encrypted or packed in a way that is not known.',
  },
  'unsafe-zip': {
    status: 400,
    title: 'Unsafe zip archive',
    message: 'An entry of the zip archive has a path that leads elsewhere, or is no regular file.',
  },
  'not-found': { status: 404, title: 'Not found', message: 'There is nothing at this path.' },
  'unknown-task': { status: 404, title: 'Unknown task', message: 'No task has this id.' },
  'method-not-allowed': {
    status: 405,
    title: 'Method not allowed',
    message: 'The path does not support this method.',
  },
  'no-integer-weights': {
    status: 404,
    title: 'No 8-bit file',
    message: 'The file of this task tells no ranges of its tensors, so there is none of 8-bit integers.',
  },
  'no-open-set': {
    status: 409,
    title: 'Model without open set',
    message: 'The task was made by an earlier version, whose models cannot tell what is unknown.',
  },
  'upload-timeout': { status: 408, title: 'Upload timeout', message: 'The body did not arrive in time.' },
  'body-too-large': { status: 413, title: 'Body too large', message: 'The whole body is over the limit.' },
  'file-too-large': { status: 413, title: 'File too large', message: 'A file is over the limit.' },
  'too-many-files': {
    status: 413,
    title: 'Too many files',
    message: 'The body has more files than allowed.',
  },
  'too-many-fields': {
    status: 413,
    title: 'Too many fields',
    message: 'The body has more or larger text fields than allowed.',
  },
  'zip-too-large': {
    status: 413,
    title: 'Zip archive too large',
    message: 'The zip archive has more entries, or unpacks to more bytes, than allowed.',
  },
  'image-too-large': {
    status: 413,
    title: 'Image too large',
    message: 'An image has more pixels than allowed.',
  },
  'too-much-work': {
    status: 413,
    title: 'Too much work',
    message: 'The adaptation is estimated to take more work than a request may ask for.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'Unsupported media type',
    message: 'The body has a media type or a content encoding that is not accepted here.',
  },
  'unsupported-image': {
    status: 415,
    title: 'Unsupported image',
    message: 'A file is not an image of a supported format.',
  },
  'range-not-satisfiable': {
    status: 416,
    title: 'Range not satisfiable',
    message: 'The content has none of the bytes of the range.',
  },
  'invalid-images': {
    status: 422,
    title: 'Invalid images',
    message: 'Images in JSON are arrays of base64 texts or data URLs, by label where they have one.',
  },
  'unlabelled-file': {
    status: 422,
    title: 'Unlabelled file',
    message: 'A file of the zip archive has no class: no folder names it, and no table does.',
  },
  'invalid-label': {
    status: 422,
    title: 'Invalid label',
    message: 'A label must have 1 to 100 characters of Unicode that can be seen.',
  },
  'unknown-label': {
    status: 422,
    title: 'Unknown label',
    message: 'A label is none of the task.',
  },
  'too-few-classes': {
    status: 422,
    title: 'Too few classes',
    message: 'A task needs at least two different labels.',
  },
  'too-many-classes': {
    status: 422,
    title: 'Too many classes',
    message: 'A task has more labels than allowed.',
  },
  'too-many-images': {
    status: 422,
    title: 'Too many images',
    message: 'A label has more images than allowed.',
  },
  'too-few-images': {
    status: 422,
    title: 'Too few images',
    message: 'No label has two images, so none can be left out.',
  },
  'budget-too-small': {
    status: 422,
    title: 'Budget too small',
    message: 'No architecture of the checkpoint costs as little as the budget allows.',
  },
  'broken-image': { status: 422, title: 'Broken image', message: 'An image cannot be decoded.' },
  'invalid-support': {
    status: 422,
    title: 'Invalid support set',
    message: 'A support set is an array of points [x, y] of numbers that are finite in float32.',
  },
  'invalid-query-set': {
    status: 422,
    title: 'Invalid query set',
    message: 'A query set is an array of points [x, y] of numbers that are finite in float32.',
  },
  'invalid-x': {
    status: 422,
    title: 'Invalid x',
    message: 'What is predicted for is an array of numbers that are finite in float32.',
  },
  'too-many-points': {
    status: 422,
    title: 'Too many points',
    message: 'A support set has more points, or a prediction more x, than allowed.',
  },
  'not-adaptable': {
    status: 422,
    title: 'Not adaptable',
    message:
      'The adaptation to these points leaves the range of numbers: they are too far from what the checkpoint was trained on.',
  },
  'not-predictable': {
    status: 422,
    title: 'Not predictable',
    message: 'The model gives no finite value for an x.',
  },
  'rate-limited': {
    status: 429,
    title: 'Too many requests',
    message: 'The client has made more requests than allowed; try again later.',
  },
  'too-much-at-once': {
    status: 429,
    title: 'Too much at once',
    message: 'The client has asked for more work than may be undone at a time; try again later.',
  },
  internal: {
    status: 500,
    title: 'Internal error',
    message: 'The service failed; its log has the cause under the request id.',
  },
  'no-checkpoint': {
    status: 501,
    title: 'No checkpoint of this kind',
    message: 'The service has no checkpoint of the kind of the body.',
  },
  'newer-task': {
    status: 503,
    title: 'Task of a newer version',
    message: 'The task was kept by a newer version of the service, which this one cannot read.',
  },
  overloaded: { status: 503, title: 'Overloaded', message: 'The service is busy; try again later.' },
  'deadline-exceeded': {
    status: 503,
    title: 'Deadline exceeded',
    message: 'The service could not answer in time; try again later.',
  },
  'storage-unavailable': {
    status: 503,
    title: 'Storage unavailable',
    message: 'The storage of the tasks cannot be read or written; its fault is in the log.',
  },
  'queue-unavailable': {
    status: 503,
    title: 'Queue unavailable',
    message: 'The queue of the work cannot be reached; its fault is in the log.',
  },
  'not-ready': {
    status: 503,
    title: 'Not ready',
    message: 'The service is starting, shutting down or has no checkpoint.',
  },
};
