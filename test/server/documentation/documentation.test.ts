import { readFileSync } from 'node:fs';
import request from 'supertest';
import { expect, test } from 'vitest';
import { expectContract } from '../support/contract.ts';
import { harness } from '../support/harness.ts';

test('openapi.yaml is served as it is, with an ETag', async () => {
  const { app } = await harness();
  const answer = await request(app).get('/openapi.yaml').responseType('blob');
  expectContract(answer, 'get', '/openapi.yaml');
  expect(answer.body).toEqual(readFileSync(new URL('../../../openapi.yaml', import.meta.url)));
  const again = await request(app).get('/openapi.yaml').set('If-None-Match', answer.headers['etag']!);
  expect(again.status).toBe(304);
});

test('/docs loads nothing but assets of the service, and no inline script may run', async () => {
  const { app } = await harness();
  const { text, headers } = await request(app).get('/docs');
  expect(headers['content-security-policy']).toMatch(/default-src 'none'; script-src 'self';/);
  expect(headers['content-security-policy']).not.toMatch(/unsafe|https?:/);
  const paths = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
  expect(paths.length).toBe(5);
  for (const path of paths) {
    expect(path).toMatch(/^\/(assets\/docs-[a-z]+-[0-9a-f]{12}\.(js|css|png)|openapi\.yaml)$/);
    expect((await request(app).get(path)).status).toBe(200);
  }
  expect(text.replaceAll(/<script src="[^"]*" defer><\/script>/g, '')).not.toContain('<script');
});
