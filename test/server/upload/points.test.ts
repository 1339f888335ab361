import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../../server/errors/errors.ts';
import { createFakeAdapter, imagesCheckpoint, regressionCheckpoint } from '../support/adapter.ts';
import { expectContract } from '../support/contract.ts';
import { harness } from '../support/harness.ts';
import { problemsOf } from '../support/problem.ts';
import { predictionsOf, regressionOf, support } from '../support/regression.ts';
import { support as images } from '../support/tasks.ts';

const { expectProblem } = problemsOf('upload/points.test.ts');

interface Case {
  readonly title: string;
  /** text is sent as it is */
  readonly body: unknown;
  readonly code: ErrorCode;
  readonly pointer?: string;
  /** words of the detail */
  readonly says?: string;
}

const malformed: readonly Case[] = [
  { title: 'nothing', body: '', code: 'malformed-json', says: 'end of JSON input' },
  { title: 'half of a body', body: '{"support": [[1, 2]', code: 'malformed-json' },
  { title: 'a comma too many', body: '{"support": [[1, 2],]}', code: 'malformed-json', says: ']' },
  { title: 'NaN, which JSON has not', body: '{"support": [[NaN, 2]]}', code: 'malformed-json', says: 'N' },
  { title: 'deep nesting that never ends', body: '['.repeat(100_000), code: 'malformed-json' },
];

const supports: readonly Case[] = [
  ...malformed,
  ...[null, 1, 'x', [], [[1, 2]]].map((body) => ({
    title: `no object: ${JSON.stringify(body)}`,
    body: JSON.stringify(body),
    code: 'invalid-support' as const,
    pointer: '',
    says: 'The body: must be an object',
  })),
  { title: 'no member', body: {}, code: 'invalid-support', pointer: '/support', says: '/support: ' },
  { title: 'another member', body: { support, steps: 3 }, code: 'unexpected-member', pointer: '/steps' },
  {
    title: 'a member whose name needs escapes',
    body: { support, 'a/~b': 3 },
    code: 'unexpected-member',
    pointer: '/a~1~0b',
  },
  {
    title: 'a member __proto__',
    body: '{"support": [[1, 2]], "__proto__": 1}',
    code: 'unexpected-member',
    pointer: '/__proto__',
  },
  { title: 'no array', body: { support: '[[1, 2]]' }, code: 'invalid-support', pointer: '/support' },
  { title: 'no point', body: { support: [] }, code: 'invalid-support', pointer: '/support', says: 'empty' },
  {
    title: '101 points',
    body: { support: Array.from({ length: 101 }, () => [1, 2]) },
    code: 'too-many-points',
    pointer: '/support',
    says: '101',
  },
  ...[7, null, {}, [], [1], [1, 2, 3], '12'].map((point) => ({
    title: `${JSON.stringify(point)} as a point`,
    body: { support: [[1, 2], point] },
    code: 'invalid-support' as const,
    pointer: '/support/1',
    says: '/support/1: must be a point [x, y]',
  })),
  ...['"2"', 'null', 'true', '[2]', '{}', '1e39', '-1e39', '1e400', '3.4028236e38'].map((y) => ({
    title: `${y} as y`,
    body: `{"support": [[1, 2], [3, 4], [5, 6], [7, ${y}]]}`,
    code: 'invalid-support' as const,
    pointer: '/support/3/1',
    says: '/support/3/1: must be a number that is finite in float32',
  })),
];

const queries: readonly Case[] = [
  ...malformed,
  { title: 'no object', body: '[1]', code: 'invalid-x', pointer: '' },
  { title: 'a number', body: { x: 1 }, code: 'invalid-x', pointer: '/x' },
  { title: 'no number', body: { x: [] }, code: 'invalid-x', pointer: '/x' },
  { title: 'a point', body: { x: [1, [2, 3]] }, code: 'invalid-x', pointer: '/x/1' },
  {
    title: 'a number that is infinite in float32',
    body: { x: [1, 2, -4e38] },
    code: 'invalid-x',
    pointer: '/x/2',
  },
  {
    title: '10,001 numbers',
    body: { x: Array.from({ length: 10_001 }, () => 0) },
    code: 'too-many-points',
    pointer: '/x',
  },
  { title: 'another member', body: { x: [1], support: [] }, code: 'unexpected-member', pointer: '/support' },
];

/** The service with a regression task; `path` is that of its predictions. */
async function withTask() {
  const running = await harness();
  const { id } = regressionOf(await running.postJson('/v1/tasks', { support }));
  return { ...running, path: `/v1/tasks/${id}/predictions` };
}

describe('POST /v1/tasks with JSON refuses', () => {
  test.each(supports)('$title', async ({ body, code, pointer, says = '' }) => {
    const { postJson, adapter } = await harness();
    const answer = await postJson('/v1/tasks', body);
    expectContract(answer, 'post', '/v1/tasks');
    expect(expectProblem(answer, code, pointer).detail).toContain(says);
    expect(adapter.calls.length).toBe(0);
  });
});

describe('POST /v1/tasks', () => {
  test('refuses a checkpoint of another kind than the body, and names those that it could take', async () => {
    const { post, postJson } = await harness();
    const toy = await post('/v1/tasks?checkpoint=toy', images);
    expectContract(toy, 'post', '/v1/tasks');
    expect(expectProblem(toy, 'wrong-kind').detail).toBe(
      'The checkpoint "toy" is of regression, the body of images; of images there are: photos, other.',
    );
    const photos = await postJson('/v1/tasks?checkpoint=photos', { support });
    expect(expectProblem(photos, 'wrong-kind').detail).toContain('of regression there are: toy, drawn.');
    expectProblem(await postJson('/v1/tasks?checkpoint=nope', { support }), 'unknown-checkpoint');
  });

  test('says when there is no checkpoint of a kind, which leaves the service ready', async () => {
    const photos = await harness({ adapter: createFakeAdapter([imagesCheckpoint('photos', true)]) });
    const answer = await photos.postJson('/v1/tasks', { support });
    expectContract(answer, 'post', '/v1/tasks');
    expect(expectProblem(answer, 'no-checkpoint').detail).toContain('no checkpoint of regression');
    expect(answer.headers['retry-after']).toBeUndefined();
    expectProblem(await photos.postJson('/v1/tasks?checkpoint=photos', { support }), 'wrong-kind');
    expect((await photos.post('/v1/tasks', images)).status).toBe(201);

    const toy = await harness({ adapter: createFakeAdapter([regressionCheckpoint('toy', 'sorted', true)]) });
    expectProblem(await toy.post('/v1/tasks', images), 'no-checkpoint');
    expect((await toy.postJson('/v1/tasks', { support })).status).toBe(201);

    const none = await harness({ adapter: createFakeAdapter([]) });
    expectProblem(await none.postJson('/v1/tasks', { support }), 'not-ready');
  });

  test('refuses points on which the inner loop diverges', async () => {
    const { postJson, log } = await harness();
    const far = support.map(([x, y]) => [1e20 * x, 1e20 * y]);
    const answer = await postJson('/v1/tasks', { support: far });
    expectContract(answer, 'post', '/v1/tasks');
    expectProblem(answer, 'not-adaptable');
    expect(log.map(({ msg }) => msg)).toEqual(['request']);
  });
});

describe('POST /v1/tasks/{id}/predictions refuses', () => {
  test.each(queries)('$title', async ({ body, code, pointer, says = '' }) => {
    const { path, postJson } = await withTask();
    const answer = await postJson(path, body);
    expectContract(answer, 'post', '/v1/tasks/{id}/predictions');
    expect(expectProblem(answer, code, pointer).detail).toContain(says);
  });

  test('an x for which y is not finite, never with null', async () => {
    const { path, postJson } = await withTask();
    const x = [0.5, -3.4e38, 3.4e38];
    const answer = await postJson(path, { x });
    expectContract(answer, 'post', '/v1/tasks/{id}/predictions');
    const { pointer } = answer.body as { pointer: string };
    expect(['/x/1', '/x/2']).toContain(pointer);
    expectProblem(answer, 'not-predictable', pointer);
    expect(predictionsOf(await postJson(path, { x: x.slice(0, 1) }))[0]!.y).toEqual(expect.any(Number));
  });

  test('a body of the other kind', async () => {
    const { path, post, postJson } = await withTask();
    const file = await post(path, images);
    expectContract(file, 'post', '/v1/tasks/{id}/predictions');
    expect(expectProblem(file, 'unsupported-media-type').detail).toContain('application/json');
    expect(file.headers['accept-post']).toBe('application/json');
    const task = await post('/v1/tasks', images);
    const json = await postJson(`/v1/tasks/${(task.body as { id: string }).id}/predictions`, { x: [1] });
    expectContract(json, 'post', '/v1/tasks/{id}/predictions');
    expectProblem(json, 'unexpected-member', '/x');
  });
});
