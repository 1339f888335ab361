import { setTimeout } from 'node:timers/promises';
import request from 'supertest';
import { expect, test, vi } from 'vitest';
import { decodeImage } from '../../../images/decode.ts';
import type { ImageDecoder } from '../../../server/ports.ts';
import { harness } from '../support/harness.ts';
import { shades, support, taskOf } from '../support/tasks.ts';

test('a prediction that waits for its place holds no model', async () => {
  const gate: { held?: Promise<void> } = {};
  const decode = vi.fn<ImageDecoder>(async (bytes, size) => {
    await gate.held;
    return decodeImage(bytes, size);
  });
  const { app, post } = await harness({ replace: { decodeImage: decode }, limits: { uploads: 1 } });
  const { id } = taskOf(await post('/v1/tasks', support));
  const predict = () =>
    post(`/v1/tasks/${id}/predictions`, [{ name: 'images', file: 'a.png', content: shades.red[2] }]);
  let release = () => {};
  gate.held = new Promise((resolve) => (release = resolve));
  const before = decode.mock.calls.length;
  const first = predict().then(({ status }) => status);
  await vi.waitFor(() => expect(decode.mock.calls.length).toBeGreaterThan(before));
  const second = predict().then(({ status }) => status);
  await setTimeout(200); // so that it has asked for the task, and waits
  await request(app).delete(`/v1/tasks/${id}`).expect(204);
  release();
  expect(await Promise.all([first, second])).toEqual([200, 404]);
});
