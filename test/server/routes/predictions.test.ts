import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Schema } from '../../../contract/schema.ts';
import { expectContract } from '../support/contract.ts';
import { harness } from '../support/harness.ts';
import { png } from '../support/multipart.ts';
import { problemsOf } from '../support/problem.ts';
import { shades, support, taskOf } from '../support/tasks.ts';

const { expectProblem } = problemsOf('routes/predictions.test.ts');

const { red, green, blue } = shades;

describe('POST /v1/tasks/{id}/predictions', () => {
  test('answers in the order of the images, each independent of the others', async () => {
    const { post } = await harness();
    const { id } = taskOf(await post('/v1/tasks', support));
    const path = `/v1/tasks/${id}/predictions`;
    const images = [blue[2], red[2], green[2], red[2]].map((content, index) => ({
      name: 'images',
      file: index === 1 ? 'schön.png' : 'same.png',
      content,
    }));
    const answer = await post(path, images);
    expectContract(answer, 'post', '/v1/tasks/{id}/predictions');
    const { predictions } = answer.body as {
      predictions: {
        file: string;
        label: string;
        probability: number;
        probabilities: Record<string, number>;
      }[];
    };
    expect(predictions.map(({ file, label }) => `${file} ${label}`)).toEqual([
      'same.png blue',
      'schön.png red',
      'same.png green',
      'same.png red',
    ]);
    for (const { label, probability, probabilities } of predictions) {
      expect(probabilities[label]).toBe(probability);
      expect(Object.keys(probabilities)).toEqual(['blue', 'green', 'red']);
      expect(Object.values(probabilities).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
    }
    const alone = await post(path, [images[2]!]);
    expect((alone.body as { predictions: unknown[] }).predictions).toEqual([predictions[2]]);
  });

  test('100 images pass through several batches', async () => {
    const { post } = await harness();
    const { id } = taskOf(await post('/v1/tasks', support));
    const images = Array.from({ length: 100 }, (_, index) => ({
      name: 'images',
      file: `${index}.png`,
      content: index % 7 === 0 ? green[1] : red[1],
    }));
    const answer = await post(`/v1/tasks/${id}/predictions`, images);
    const { predictions } = answer.body as { predictions: { file: string; label: string }[] };
    expect(predictions).toHaveLength(100);
    predictions.forEach(({ file, label }, index) => {
      expect([file, label]).toEqual([`${index}.png`, index % 7 === 0 ? 'green' : 'red']);
    });
  });
});

describe('a prediction', () => {
  const ask = async (query: string, contents: readonly Buffer[]) => {
    const running = await harness();
    const { id } = taskOf(await running.post('/v1/tasks', support));
    const path = `/v1/tasks/${id}/predictions`;
    const parts = contents.map((content) => ({ name: 'images', file: 'x.png', content }));
    const answer = await running.post(path + query, parts);
    expectContract(answer, 'post', '/v1/tasks/{id}/predictions');
    const { predictions } = answer.body as Schema<'ImagesPredictions'>;
    return { ...running, id, path, parts, answer, predictions };
  };

  test('has the most probable labels in order when asked for, all of them at most', async () => {
    const [two, all] = await Promise.all([ask('?top=2', [red[2]]), ask('?top=20', [red[2]])]);
    const { probabilities, top } = all.predictions[0]!;
    const sorted = Object.entries(probabilities).sort(([, a], [, b]) => b - a);
    expect(top).toEqual(sorted.map(([label, probability]) => ({ label, probability })));
    expect(two.predictions[0]!.top).toEqual(top!.slice(0, 2));
    expect((await ask('', [red[2]])).predictions[0]).not.toHaveProperty('top');
  });

  test('tells by a threshold what belongs to no class, and the more the higher the threshold', async () => {
    const images = [red[2], await png(250, 250, 250)];
    const { predictions } = await ask('?threshold=0.5', images);
    const [member, stranger] = predictions;
    expect(member).toMatchObject({ label: 'red', unknown: false });
    expect(stranger).toMatchObject({ label: null, unknown: true });
    expect(member!.known).toBeGreaterThan(stranger!.known!);
    expect(stranger!.probability).toBe(Math.max(...Object.values(stranger!.probabilities)));
    const [none, everything] = await Promise.all([ask('?threshold=0', images), ask('?threshold=1', images)]);
    expect(none.predictions.map(({ unknown }) => unknown)).toEqual([false, false]);
    expect(everything.predictions.map(({ unknown }) => unknown)).toEqual([true, true]);
    const plain = (await ask('', images)).predictions;
    expect(plain.map(({ known }) => known)).toEqual(predictions.map(({ known }) => known));
    expect(plain[1]).not.toHaveProperty('unknown');
  });

  test.each([
    'top=0',
    'top=21',
    'top=x',
    'threshold=2',
    'threshold=-1',
    'threshold=',
    'threshold=1e-1',
    'k=2',
  ])('refuses %s', async (query) => {
    const { answer } = await ask(`?${query}`, [red[2]]);
    expect(expectProblem(answer, 'invalid-query').detail).toContain(query.split('=')[0]);
  });

  test('of a task of an earlier version has no known, and a threshold is refused', async () => {
    const { id, folder, path, parts, post } = await ask('', [red[2]]);
    const file = join(folder, 'tasks', id, 'task.json');
    const { openSet, ...earlier } = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
    expect(openSet).toEqual({
      midpoint: expect.any(Number) as number,
      slope: expect.any(Number) as number,
      threshold: expect.any(Number) as number,
      leftOut: 2,
    });
    await writeFile(file, JSON.stringify(earlier));
    const answer = await post(`${path}?threshold=0.5`, parts);
    expectContract(answer, 'post', '/v1/tasks/{id}/predictions');
    expectProblem(answer, 'no-open-set');
  });
});
