import { Buffer } from 'node:buffer';
import type request from 'supertest';
import { afterAll, expect } from 'vitest';
import { catalogue } from '../../../server/errors/error-catalogue.ts';
import type { ErrorCode, Part, Problem } from '../../../server/errors/errors.ts';
import { expectSchema } from './contract.ts';

/** Which codes each test file provokes: together the whole catalogue (documents.test.ts). */
export const provokedBy = {
  'errors/errors.test.ts': [
    'invalid-query',
    'unknown-checkpoint',
    'malformed-request',
    'not-found',
    'unknown-task',
    'method-not-allowed',
    'internal',
    'overloaded',
    'not-ready',
    'storage-unavailable',
    'newer-task',
  ],
  'access/access.test.ts': ['unauthorized', 'missing-scope', 'rate-limited', 'forbidden-origin'],
  'concurrency/cancellation.test.ts': ['deadline-exceeded'],
  'workers/admission.test.ts': ['too-much-work', 'too-much-at-once', 'deadline-exceeded', 'overloaded'],
  'page/page.test.ts': ['not-found'],
  'upload/refusals.test.ts': [
    'malformed-multipart',
    'missing-field-name',
    'text-part',
    'unexpected-part',
    'no-files',
    'empty-file',
    'file-too-large',
    'too-many-files',
    'too-many-fields',
    'image-too-large',
    'unsupported-image',
    'invalid-label',
    'too-few-classes',
    'too-many-classes',
    'too-many-images',
    'broken-image',
  ],
  'upload/data-sets.test.ts': ['unlabelled-file', 'invalid-label', 'unsupported-image', 'malformed-zip'],
  'upload/labels.test.ts': ['invalid-label'],
  'upload/parts.test.ts': [
    'malformed-multipart',
    'missing-field-name',
    'text-part',
    'empty-file',
    'unsupported-media-type',
    'malformed-request',
    'truncated-body',
  ],
  'upload/upload.test.ts': [
    'no-files',
    'missing-boundary',
    'malformed-multipart',
    'truncated-body',
    'upload-timeout',
    'body-too-large',
    'file-too-large',
    'too-many-fields',
    'unsupported-media-type',
    'overloaded',
    'too-much-at-once',
  ],
  'http/content.test.ts': ['range-not-satisfiable', 'no-integer-weights'],
  'upload/archives.test.ts': [
    'malformed-zip',
    'unsafe-zip',
    'zip-too-large',
    'too-many-files',
    'file-too-large',
    'unlabelled-file',
    'no-files',
    'empty-file',
  ],
  'upload/ways.test.ts': ['too-many-files', 'file-too-large', 'invalid-images', 'unexpected-member'],
  'tasks/elsewhere.test.ts': ['queue-unavailable'],
  'tasks/progress.test.ts': ['unknown-task', 'too-few-classes', 'overloaded'],
  'routes/tasks.test.ts': ['invalid-query'],
  'routes/budgets.test.ts': ['budget-too-small', 'invalid-query'],
  'routes/predictions.test.ts': ['invalid-query', 'no-open-set'],
  'routes/evaluations.test.ts': ['unknown-label', 'too-few-images', 'invalid-query-set'],
  'inference/inference.test.ts': ['invalid-tensor'],
  'upload/points.test.ts': [
    'wrong-kind',
    'unknown-checkpoint',
    'no-checkpoint',
    'not-ready',
    'malformed-json',
    'unexpected-member',
    'unsupported-media-type',
    'invalid-support',
    'invalid-x',
    'too-many-points',
    'not-adaptable',
    'not-predictable',
  ],
  'upload/json.test.ts': [
    'unsupported-media-type',
    'body-too-large',
    'upload-timeout',
    'too-much-at-once',
    'malformed-json',
    'unexpected-member',
  ],
} as const satisfies Readonly<Record<string, readonly ErrorCode[]>>;

export interface Problems {
  /** checks an answer against the catalogue and notes its code; `at` is the part or the JSON Pointer at fault */
  readonly expectProblem: (answer: request.Response, code: ErrorCode, at?: Part | string) => Problem;
  /** the same for an answer as it came over the wire */
  readonly expectRawProblem: (text: string, code: ErrorCode) => void;
  /** notes a code that was told in another form than a problem document */
  readonly noteCode: (code: ErrorCode) => void;
}

/** The checks of one test file; after its tests, every code that it is listed with must have occurred. */
export function problemsOf(file: keyof typeof provokedBy): Problems {
  const provoked = new Set<ErrorCode>();
  afterAll(() => {
    expect(provokedBy[file].filter((code) => !provoked.has(code))).toEqual([]);
  });
  const expectProblem = (answer: request.Response, code: ErrorCode, at?: Part | string) => {
    const body: unknown = Buffer.isBuffer(answer.body) ? JSON.parse(answer.body.toString()) : answer.body;
    const problem = body as Problem;
    expect(problem).toMatchObject({ code, status: catalogue[code].status, title: catalogue[code].title });
    expect(answer.status).toBe(catalogue[code].status);
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(problem.requestId).toBe(answer.headers['x-request-id']);
    expect(problem.part ?? problem.pointer).toEqual(at);
    expectSchema('Problem', problem);
    provoked.add(code);
    return problem;
  };
  const expectRawProblem = (text: string, code: ErrorCode) => {
    expect(text.split('\r\n')[0]).toContain(` ${catalogue[code].status} `);
    expect(text).toContain(`"code":"${code}"`);
    provoked.add(code);
  };
  return { expectProblem, expectRawProblem, noteCode: (code) => provoked.add(code) };
}
