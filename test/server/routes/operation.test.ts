import request from 'supertest';
import { describe, expect, test } from 'vitest';
import { expectContract } from '../support/contract.ts';
import { harness } from '../support/harness.ts';
import { support, taskOf } from '../support/tasks.ts';

describe('operation', () => {
  test('checkpoints, health and readiness', async () => {
    const { app } = await harness();
    for (const path of ['/v1/checkpoints', '/healthz', '/readyz', '/metrics']) {
      const answer = await request(app).get(path);
      expectContract(answer, 'get', path);
      expect(answer.status).toBe(200);
    }
    const listed = await request(app).get('/v1/checkpoints');
    expect(listed.body).toMatchObject({
      checkpoints: [
        { kind: 'images', id: 'photos', default: true, image: { size: 8 } },
        { kind: 'regression', id: 'toy', default: true },
        { kind: 'regression', id: 'drawn', default: false },
        { kind: 'images', id: 'other', default: false },
      ],
    });
  });

  test('request ids: plain ones are kept, others replaced; the log has them, but no label and no file name', async () => {
    const { app, post, log } = await harness();
    const kept = await request(app).get('/healthz').set('X-Request-Id', 'abc-1.2');
    expect(kept.headers['x-request-id']).toBe('abc-1.2');
    const replaced = await request(app).get('/healthz').set('X-Request-Id', 'a b{}');
    expect(replaced.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    const parts = support.map((part) => ({ ...part, name: `${part.name}-private`, file: 'private.png' }));
    const task = await post('/v1/tasks', parts);
    expect(log.map(({ requestId }) => requestId)).toContain(task.headers['x-request-id']);
    expect(JSON.stringify(log)).not.toContain('private');
  });

  test('metrics: requests by route, not by path, stages of tasks', async () => {
    const { app, post } = await harness();
    const { id } = taskOf(await post('/v1/tasks', support));
    await request(app).get(`/v1/tasks/${id}`);
    await request(app).get(`/v1/tasks/${'0'.repeat(32)}`);
    await request(app).get('/nothing');
    const { text } = await request(app).get('/metrics');
    const count = (name: string, labels: string) =>
      new RegExp(`^${name}\\{${labels}\\} (\\S+)$`, 'm').exec(text)?.[1];
    const requests = (labels: string) => count('mnas_http_request_duration_seconds_count', labels);
    expect(requests('method="GET",route="/v1/tasks/:id",status="200"')).toBe('1');
    expect(requests('method="GET",route="/v1/tasks/:id",status="404"')).toBe('1');
    expect(requests('method="GET",route="other",status="404"')).toBe('1');
    expect(requests('method="POST",route="/v1/tasks",status="201"')).toBe('1');
    expect(count('mnas_refusals_total', 'code="unknown-task"')).toBe('1');
    expect(count('mnas_refusals_total', 'code="not-found"')).toBe('1');
    expect(count('mnas_task_stage_seconds_count', 'kind="images",stage="total"')).toBe('1');
    expect(count('mnas_task_stage_seconds_count', 'kind="images",stage="decode"')).toBe('1');
    expect(text).toContain('mnas_http_requests_in_flight 1');
    expect(text).not.toContain(id);
  });
});
