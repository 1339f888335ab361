import request from 'supertest';
import { expect, test } from 'vitest';
import type { Schema } from '../../../contract/schema.ts';
import { expectContract } from '../support/contract.ts';
import { harness } from '../support/harness.ts';
import { shades, support } from '../support/tasks.ts';

test('a task tells which classes share an image, also when it is asked for later', async () => {
  const { app, post } = await harness();
  const stray = { name: 'green', file: 'stray.png', content: shades.red[0] };
  const made = await post('/v1/tasks', [...support, stray]);
  expectContract(made, 'post', '/v1/tasks');
  const shared = [{ labels: ['green', 'red'], images: 1 }];
  const { id, sharedImages } = made.body as Schema<'ImagesTask'>;
  expect(sharedImages).toEqual(shared);
  const found = await request(app).get(`/v1/tasks/${id}`);
  expectContract(found, 'get', '/v1/tasks/{id}');
  expect((found.body as Schema<'ImagesTask'>).sharedImages).toEqual(shared);
});

test('a task of classes that share none says nothing of it', async () => {
  const { post } = await harness();
  expect((await post('/v1/tasks', support)).body).not.toHaveProperty('sharedImages');
});
