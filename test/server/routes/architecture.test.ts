import request from 'supertest';
import { describe, expect, test } from 'vitest';
import type { Schema } from '../../../contract/schema.ts';
import { expectContract } from '../support/contract.ts';
import { harness } from '../support/harness.ts';
import { regressionOf, support as points } from '../support/regression.ts';
import { support, taskOf } from '../support/tasks.ts';

async function bothKinds() {
  const { app, post, postJson } = await harness();
  const images = taskOf(await post('/v1/tasks', support)).id;
  const regression = regressionOf(await postJson('/v1/tasks', { support: points }));
  return { app, images, regression };
}

describe('GET /v1/tasks/{id}/architecture.svg', () => {
  test('is a picture of the cells of either kind, with a title and a description', async () => {
    const { app, images, regression } = await bothKinds();
    for (const [id, names] of [
      [images, ['normal cell', 'reduction cell']],
      [regression.id, ['cell']],
    ] as const) {
      const answer = await request(app).get(`/v1/tasks/${id}/architecture.svg`).responseType('text');
      expectContract(answer, 'get', '/v1/tasks/{id}/architecture.svg');
      expect(answer.headers).toMatchObject({
        'content-type': 'image/svg+xml; charset=utf-8',
        'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
        'cache-control': 'private, no-cache',
      });
      const svg = (answer.body as Buffer).toString();
      expect(svg).toMatch(/^<svg role="img" [^>]*>\n<title>[^<]+<\/title>\n<desc>[^<]+<\/desc>/);
      for (const name of names) expect(svg).toContain(`>${name}</text>`);
    }
  });

  test('has the colours that are asked for, and an ETag for each', async () => {
    const { app, images } = await bothKinds();
    const path = `/v1/tasks/${images}/architecture.svg`;
    const answers = await Promise.all(
      ['light', 'dark', 'auto'].map((theme) => request(app).get(path).query({ theme })),
    );
    expect(new Set(answers.map(({ headers }) => headers['etag'])).size).toBe(3);
    const auto = await request(app).get(path).set('If-None-Match', answers[2]!.headers['etag']!);
    expectContract(auto, 'get', '/v1/tasks/{id}/architecture.svg');
    expect(auto.status).toBe(304);
    const wrong = await request(app).get(`${path}?theme=pink`);
    expectContract(wrong, 'get', '/v1/tasks/{id}/architecture.svg');
    expect([wrong.status, (wrong.body as Schema<'Problem'>).code]).toEqual([400, 'invalid-query']);
  });
});

describe('GET /v1/tasks/{id}/architecture.json', () => {
  test('has the edges of the genotype, and one from every node to the output', async () => {
    const { app, regression } = await bothKinds();
    const answer = await request(app).get(`/v1/tasks/${regression.id}/architecture.json`);
    expectContract(answer, 'get', '/v1/tasks/{id}/architecture.json');
    const { cells, weights, multiplyAdds } = answer.body as Schema<'Architecture'>;
    const { genotype, ...size } = regression.architecture;
    expect({ weights, multiplyAdds }).toEqual(size);
    expect(cells.map(({ name }) => name)).toEqual(['cell']);
    const { nodes, edges } = cells[0]!;
    expect(nodes.map(({ id }) => id)).toEqual(nodes.map((_, i) => i));
    const operations = edges.filter(({ operation }) => operation !== undefined);
    expect(operations.map(({ from, to, operation }) => [from, to, operation])).toEqual(
      genotype.flatMap((incoming, target) =>
        incoming.map(({ operation, input }) => [input, target + 2, operation]),
      ),
    );
    expect(edges.filter(({ operation }) => operation === undefined)).toEqual(
      genotype.map((_, i) => ({ from: i + 2, to: genotype.length + 2, label: '' })),
    );
  });

  test('tells both cells of a task of images, strides included', async () => {
    const { app, images } = await bothKinds();
    const answer = await request(app).get(`/v1/tasks/${images}/architecture.json`);
    expectContract(answer, 'get', '/v1/tasks/{id}/architecture.json');
    const { cells } = answer.body as Schema<'Architecture'>;
    expect(cells.map(({ name, edges }) => [name, edges[0]])).toEqual([
      ['normal', { from: 0, to: 2, operation: 'skip_connect', stride: 1, label: 'skip' }],
      ['reduction', { from: 0, to: 2, operation: 'skip_connect', stride: 2, label: 'skip, stride 2' }],
    ]);
  });
});
