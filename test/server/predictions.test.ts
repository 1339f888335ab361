import { describe, expect, test } from 'vitest';
import { expectContract } from './support/contract.ts';
import { harness } from './support/harness.ts';
import { shades, support, taskOf } from './support/tasks.ts';

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
