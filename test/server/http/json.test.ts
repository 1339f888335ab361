import request from 'supertest';
import { describe, expect, test } from 'vitest';
import { isForPeople } from '../../../server/http/json.ts';
import { harness } from '../support/harness.ts';
import { support, taskOf } from '../support/tasks.ts';

const curl = 'curl/8.5.0';
const asking = (headers: Readonly<Record<string, string>>) => ({ get: (name: string) => headers[name] });

describe('JSON is laid out', () => {
  test.each([
    [{ 'User-Agent': curl, Accept: '*/*' }, true],
    [{ 'User-Agent': curl, Accept: 'application/json' }, true], // as `curl --json` sends
    [{ 'User-Agent': 'Wget/1.21.4' }, true],
    [{ 'User-Agent': 'Mozilla/5.0', Accept: 'text/html,application/xml;q=0.9,*/*;q=0.8' }, true],
    [{ 'User-Agent': 'node', Accept: '*/*' }, false],
    [{ 'User-Agent': 'python-requests/2.32 curl/8' }, false],
    [{}, false],
    [{ Accept: 'application/json; indent=2' }, true],
    [{ Accept: 'application/problem+json;q=0.9;indent="4"' }, true],
    [{ 'User-Agent': curl, Accept: 'application/json; indent=0' }, false],
    [{ Accept: 'text/plain; indent=2' }, false],
    [{ Accept: 'application/json, text/plain; indent=2' }, false],
  ])('for %j: %s', (headers, expected) => {
    expect(isForPeople(asking(headers as Record<string, string>) as never)).toBe(expected);
  });

  test('in answers and problems alike, and says what it depends on', async () => {
    const { app, post } = await harness();
    const { id } = taskOf(await post('/v1/tasks', support));
    const get = (path: string, agent: string) => request(app).get(path).set('User-Agent', agent);
    for (const path of [`/v1/tasks/${id}`, '/v1/checkpoints', '/v1/tasks/none']) {
      const [people, program] = [await get(path, curl), await get(path, 'node')];
      expect(people.text).toMatch(/^\{\n {2}"[^\n]+\n/);
      expect(program.text).not.toContain('\n');
      if (people.status === 200) expect(people.body).toEqual(program.body);
      for (const { headers } of [people, program]) expect(headers['vary']).toContain('Accept, User-Agent');
    }
  });

  test('but content that has an ETag of its own is the same bytes for all', async () => {
    const { app, post } = await harness();
    const { id } = taskOf(await post('/v1/tasks', support));
    const path = `/v1/tasks/${id}/embedding`;
    const [people, program] = [
      await request(app).get(path).set('User-Agent', curl),
      await request(app).get(path).set('User-Agent', 'node'),
    ];
    expect(people.text).toBe(program.text);
    expect(people.headers['etag']).toBe(program.headers['etag']);
  });
});
