import request from 'supertest';
import { describe, expect, test } from 'vitest';
import type { Schema } from '../../../contract/schema.ts';
import type { Judgement } from '../../../model/accuracy/judgements.ts';
import { createFakeAdapter } from '../support/adapter.ts';
import { expectContract } from '../support/contract.ts';
import { harness } from '../support/harness.ts';
import { problemsOf } from '../support/problem.ts';
import { support as points } from '../support/regression.ts';
import { support } from '../support/tasks.ts';

const { expectProblem } = problemsOf('routes/tasks.test.ts');
const imagesOf = (answer: request.Response) => answer.body as Schema<'ImagesTask'>;

/** An adapter that judges left-out images as it adapts, as one on a trunk does. */
function judging(leftOut: readonly Judgement[]) {
  const adapter = createFakeAdapter();
  const adapt = adapter.adaptImages.bind(adapter);
  adapter.adaptImages = async (asked, watcher) => ({ ...(await adapt(asked, watcher)), leftOut });
  return adapter;
}
const judged: readonly Judgement[] = [
  { truth: 2, given: 2 },
  { truth: 2, given: 0 },
];

describe('the description of a task', () => {
  test('leads with labels, estimate and what can be done, and ends with how it is built', async () => {
    const { post, postJson } = await harness({ adapter: judging(judged) });
    const answer = await post('/v1/tasks', support);
    expectContract(answer, 'post', '/v1/tasks');
    const names = Object.keys(imagesOf(answer));
    expect(names.slice(0, 6)).toEqual(['kind', 'id', 'labels', 'shots', 'estimate', 'links']);
    expect(names.at(-1)).toBe('architecture');
    const regression = await postJson('/v1/tasks', { support: points });
    const ofPoints = Object.keys(regression.body as object);
    expect(ofPoints.slice(0, 5)).toEqual(['kind', 'id', 'shots', 'support', 'links']);
    expect(ofPoints.at(-1)).toBe('architecture');
  });

  test('names paths that answer', async () => {
    const { app, post } = await harness();
    const { links } = imagesOf(await post('/v1/tasks', support));
    for (const { method, url } of Object.values(links)) {
      const answer = method === 'GET' ? await request(app).get(url) : await request(app).post(url);
      // a POST without a body is refused for that, not for its path
      expect(answer.status, url).toBe(method === 'GET' ? 200 : 415);
    }
  });
});

describe('the estimate of a new task', () => {
  test('comes of the adaptation itself where that judges, is kept, and costs no further one', async () => {
    const adapter = judging(judged);
    const { app, post } = await harness({ adapter });
    const made = imagesOf(await post('/v1/tasks', support));
    expect(made.estimate).toMatchObject({
      folds: 1,
      evaluation: { images: 2, accuracy: 0.5, labels: ['blue', 'green', 'red'], unknown: [0, 0, 0] },
    });
    expect(made.estimate!.evaluation.confusion).toEqual([
      [0, 0, 0],
      [0, 0, 0],
      [1, 0, 1],
    ]);
    expect((await request(app).get(`/v1/tasks/${made.id}`)).body).toEqual(made);
    expect(imagesOf(await post('/v1/tasks?estimate=always', support))).toEqual(made);
    expect(adapter.calls).toHaveLength(1);
    const without = await post('/v1/tasks?estimate=none', support);
    expectContract(without, 'post', '/v1/tasks');
    expect(imagesOf(without)).toEqual({ ...made, estimate: undefined });
  });

  test('is not there where it would cost adaptations, unless it is asked for; then it is that of /v1/estimates', async () => {
    const { app, post, adapter } = await harness();
    const made = imagesOf(await post('/v1/tasks?steps=2', support));
    expect(made.estimate).toBeUndefined();
    expect(adapter.calls).toHaveLength(1);
    const always = await post('/v1/tasks?steps=2&estimate=always', support);
    expectContract(always, 'post', '/v1/tasks');
    expect(always.status).toBe(200);
    const { folds, evaluation } = (await post('/v1/estimates?steps=2', support)).body as Schema<'Estimate'>;
    expect(imagesOf(always)).toEqual({ ...made, estimate: { folds, evaluation } });
    expect(folds).toBe(2);
    expect(imagesOf(await request(app).get(`/v1/tasks/${made.id}`)).estimate).toBeUndefined();
  });

  test('makes the client wait, whatever it prefers', async () => {
    const { post } = await harness();
    const answer = await post('/v1/tasks?estimate=always', support).set('Prefer', 'respond-async');
    expect(answer.status).toBe(201);
    expect(answer.headers).not.toHaveProperty('preference-applied');
    expect(imagesOf(answer).estimate?.folds).toBe(2);
  });

  test('is absent where no class has two images', async () => {
    const { post } = await harness();
    const answer = await post('/v1/tasks?estimate=always', support.slice(1));
    expect(answer.status).toBe(201);
    expect(imagesOf(answer)).not.toHaveProperty('estimate');
  });

  test('is refused of points, and in other words', async () => {
    const { post, postJson } = await harness();
    expectProblem(await postJson('/v1/tasks?estimate=always', { support: points }), 'invalid-query');
    expect((await postJson('/v1/tasks?estimate=auto', { support: points })).status).toBe(201);
    expectProblem(await post('/v1/tasks?estimate=yes', support), 'invalid-query');
  });
});
