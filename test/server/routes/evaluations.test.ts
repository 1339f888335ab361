import { describe, expect, test } from 'vitest';
import type { Schema } from '../../../contract/schema.ts';
import { evaluationOf } from '../../../model/accuracy/judgements.ts';
import { foldsOf } from '../../../model/accuracy/folds.ts';
import { expectContract } from '../support/contract.ts';
import { harness } from '../support/harness.ts';
import { png } from '../support/multipart.ts';
import { problemsOf } from '../support/problem.ts';
import { predictionsOf, regressionOf, support as points } from '../support/regression.ts';
import { shades, support, taskOf } from '../support/tasks.ts';

const { expectProblem } = problemsOf('routes/evaluations.test.ts');
const { red, green, blue } = shades;
const file = (name: string, content: Buffer) => ({ name, file: 'x.png', content });

describe('evaluationOf', () => {
  test('counts by true and given label; unknown is wrong; what is not defined is null', () => {
    const labels = ['a', 'b', 'c'];
    const pairs: [number, number | undefined][] = [
      [0, 0],
      [0, 0],
      [0, 1],
      [0, undefined],
      [1, 1],
    ];
    const evaluation = evaluationOf(
      labels,
      pairs.map(([truth, given]) => ({ truth, given })),
    );
    expect(evaluation).toMatchObject({
      images: 5,
      accuracy: 0.6,
      confusion: [
        [2, 1, 0],
        [0, 1, 0],
        [0, 0, 0],
      ],
      unknown: [1, 0, 0],
      classes: [
        { label: 'a', images: 4, precision: 1, recall: 0.5 },
        { label: 'b', images: 1, precision: 0.5, recall: 1 },
        { label: 'c', images: 0, precision: null, recall: null },
      ],
    });
    // Wilson 1927: 3 of 5 at z = 1.96
    expect(evaluation.interval[0]).toBeCloseTo(0.2307, 4);
    expect(evaluation.interval[1]).toBeCloseTo(0.8824, 4);
    const right = Array.from({ length: 12 }, () => ({ truth: 0, given: 0 }));
    expect(evaluationOf(['a', 'b'], right).interval[1]).toBe(1);
    const wrong = right.map(({ truth }) => ({ truth, given: 1 }));
    expect(evaluationOf(['a', 'b'], wrong).interval[0]).toBe(0);
  });
});

describe('foldsOf', () => {
  const images = (sizes: Readonly<Record<string, number>>) =>
    Object.entries(sizes).flatMap(([label, size]) => Array.from({ length: size }, (_, i) => ({ label, i })));

  test.each([
    [{ a: 5, b: 5 }, 5],
    [{ a: 2, b: 1 }, 2],
    [{ a: 3, b: 2, c: 1 }, 3],
    [{ a: 17, b: 2 }, 5],
    [{ a: 1, b: 1 }, 0],
  ])('of %j leave out every image that has another of its class once, and no class whole', (sizes, count) => {
    const all = images(sizes);
    const folds = foldsOf(all);
    expect(folds).toHaveLength(count);
    for (const { support: rest, left } of folds) {
      expect(left.length).toBeGreaterThan(0);
      expect(rest.length + left.length).toBe(all.length);
      expect(new Set(rest.map(({ label }) => label)).size).toBe(Object.keys(sizes).length);
    }
    const leftOut = folds.flatMap(({ left }) => left);
    const expected = count === 0 ? [] : all.filter(({ label }) => sizes[label as keyof typeof sizes] > 1);
    expect(new Set(leftOut)).toEqual(new Set(expected));
    expect(leftOut).toHaveLength(expected.length);
  });
});

describe('POST /v1/tasks/{id}/evaluations', () => {
  test('compares the labels of images with those given to them, unknown ones among them', async () => {
    const { post } = await harness();
    const { id } = taskOf(await post('/v1/tasks', support));
    const path = `/v1/tasks/${id}/evaluations`;
    const query = [
      file('red', red[2]),
      file('red', blue[1]),
      file('green', green[2]),
      file('red', await png(250, 250, 250)),
    ];
    const answer = await post(path, query);
    expectContract(answer, 'post', '/v1/tasks/{id}/evaluations');
    const body = answer.body as Schema<'ImagesEvaluation'>;
    expect(body).toMatchObject({ images: 4, labels: ['blue', 'green', 'red'], unknown: [0, 0, 0] });
    expect(body.confusion[2]!.reduce((a, b) => a + b)).toBe(3);
    expect(body.confusion[2]![0]).toBeGreaterThanOrEqual(1); // the blue one
    const strict = await post(`${path}?threshold=0.5`, query);
    expectContract(strict, 'post', '/v1/tasks/{id}/evaluations');
    expect((strict.body as Schema<'ImagesEvaluation'>).unknown).toEqual([0, 0, 1]);
  });

  test('refuses a label that the task does not have, and names it', async () => {
    const { post } = await harness();
    const { id } = taskOf(await post('/v1/tasks', support));
    const answer = await post(`/v1/tasks/${id}/evaluations`, [file('red', red[2]), file('rde', red[2])]);
    expectContract(answer, 'post', '/v1/tasks/{id}/evaluations');
    expectProblem(answer, 'unknown-label', { index: 1, name: 'rde', file: 'x.png' });
  });

  test('of regression tells the errors of its predictions', async () => {
    const { postJson } = await harness();
    const { id } = regressionOf(await postJson('/v1/tasks', { support: points }));
    const y = predictionsOf(await postJson(`/v1/tasks/${id}/predictions`, { x: [-1, 1] })).map((p) => p.y);
    const query = [
      [-1, y[0]! + 3],
      [1, y[1]! - 1],
    ];
    const answer = await postJson(`/v1/tasks/${id}/evaluations`, { query });
    expectContract(answer, 'post', '/v1/tasks/{id}/evaluations');
    const { meanSquaredError, meanAbsoluteError } = answer.body as Schema<'RegressionEvaluation'>;
    expect(answer.body).toMatchObject({ points: 2 });
    expect([meanSquaredError, meanAbsoluteError].map((value) => Math.round(1e4 * value) / 1e4)).toEqual([
      5, 2,
    ]);
    const invalid = await postJson(`/v1/tasks/${id}/evaluations`, { query: [[0, 1], [1]] });
    expectContract(invalid, 'post', '/v1/tasks/{id}/evaluations');
    expectProblem(invalid, 'invalid-query-set', '/query/1');
    const far = await postJson(`/v1/tasks/${id}/evaluations`, { query: [[3e38, 0]] });
    expectProblem(far, 'not-predictable', '/query/0/0');
  });
});

describe('POST /v1/estimates', () => {
  test('names the images that were told wrong', async () => {
    const { post } = await harness();
    const parts = [
      { ...file('red', red[0]), file: 'a.png' },
      { ...file('red', red[1]), file: 'b.png' },
      { ...file('green', green[0]), file: 'c.png' },
      { ...file('green', green[1]), file: 'd.png' },
      { ...file('green', red[2]), file: 'stray.png' },
    ];
    const answer = await post('/v1/estimates', parts);
    expectContract(answer, 'post', '/v1/estimates');
    expect((answer.body as Schema<'Estimate'>).mistakes).toEqual([
      { part: { index: 4, name: 'green', file: 'stray.png' }, label: 'green', given: 'red' },
    ]);
  });

  test('adapts to every fold and judges what it left out; keeps nothing; the order changes nothing', async () => {
    const { post, adapter } = await harness();
    const parts = [...red, ...green].map((content, i) => file(i < 3 ? 'red' : 'green', content));
    const answer = await post('/v1/estimates?steps=3', [...parts, file('blue', blue[0])]);
    expectContract(answer, 'post', '/v1/estimates');
    expect(answer.body).toMatchObject({
      checkpoint: 'photos',
      steps: 3,
      folds: 3,
      evaluation: {
        images: 6,
        accuracy: 1,
        confusion: [
          [0, 0, 0],
          [0, 3, 0],
          [0, 0, 3],
        ],
      },
    });
    expect(adapter.calls.map(({ support: set }) => set.length)).toEqual([5, 5, 5]);
    const again = await post('/v1/estimates?steps=3', [file('blue', blue[0]), ...parts.reverse()]);
    expect(again.body).toEqual(answer.body);
  });

  test('is refused without two images of any label', async () => {
    const { post } = await harness();
    const answer = await post('/v1/estimates', [file('red', red[0]), file('green', green[0])]);
    expectContract(answer, 'post', '/v1/estimates');
    expectProblem(answer, 'too-few-images');
  });
});
