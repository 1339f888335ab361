import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import request from 'supertest';
import { describe, expect, test } from 'vitest';
import { bundleScript } from '../../../engine/bundle.ts';
import { fixedKeys, hashKey, identify, parseKeys } from '../../../server/access/keys.ts';
import { expectContract } from '../support/contract.ts';
import { harness, listen } from '../support/harness.ts';
import { problemsOf } from '../support/problem.ts';
import { support, taskOf } from '../support/tasks.ts';

const { expectProblem } = problemsOf('access/access.test.ts');

const run = promisify(execFile);
const hex = (key: string) => Buffer.from(hashKey(key)).toString('hex');
const known = parseKeys(`shop:${hex('key-1')},lab:${hex('key-2')}:read, # a comment, of no key
shop:${hex('key-3')}:admin`);
const keys = fixedKeys(known);

test('a page of another origin can make and remove nothing, unless its origin is allowed', async () => {
  const origins = ['https://a.example'];
  for (const access of [{}, { origins }, { origins: ['*'] }]) {
    const { app, post, adapter } = await harness({ access });
    const make = (headers: Readonly<Record<string, string>>) =>
      post('/v1/tasks', support).set({ Host: 'service.example', ...headers });
    const foreign = ['https://b.example', 'https://service.example:8443', 'null', 'service.example'];
    for (const origin of foreign) {
      if ('origins' in access && access.origins.includes('*')) continue;
      const refused = await make({ Origin: origin });
      expectProblem(refused, 'forbidden-origin');
      expectContract(refused, 'post', '/v1/tasks');
      const kept = await request(app)
        .delete(`/v1/tasks/${'0'.repeat(32)}`)
        .set('Origin', origin);
      expectProblem(kept, 'forbidden-origin');
    }
    expect(adapter.calls).toEqual([]);
    const allowed = await make({ Origin: 'https://a.example' });
    if ('origins' in access) expect(allowed.status).toBe(201);
    else expectProblem(allowed, 'forbidden-origin');
    for (const own of [
      { Origin: 'https://service.example' },
      { Origin: 'https://public.example', 'Sec-Fetch-Site': 'same-origin' },
      {},
    ])
      expect((await make(own)).status).toBeLessThan(300);
    expect((await request(app).get('/v1/checkpoints').set('Origin', 'https://b.example')).status).toBe(200);
  }
});

describe('API keys', () => {
  test('are told by their hash; no name, prefix or hash passes for one', () => {
    expect(['key-1', 'key-2', 'key-3'].map((key) => identify(known, key))).toMatchObject([
      { name: 'shop', scope: 'write' },
      { name: 'lab', scope: 'read' },
      { name: 'shop', scope: 'admin' },
    ]);
    for (const other of ['', 'key-', 'key-11', 'shop', hex('key-1')])
      expect(identify(known, other)).toBeUndefined();
  });

  test('are made for a name that MNAS_API_KEYS can have, and for no other', async () => {
    const script = await bundleScript(resolve('server/access/new-key.ts'));
    const newKey = (...words: string[]) => run(process.execPath, [script, ...words]);
    const { stdout } = await newKey('shop.1', 'read');
    const [, key, entry] = /client.*: (\S+)\n.*MNAS_API_KEYS: (\S+)\n/.exec(stdout)!;
    expect(identify(parseKeys(entry!), key!)).toMatchObject({ name: 'shop.1', scope: 'read' });
    await expect(newKey('the shop')).rejects.toMatchObject({ code: 1, stdout: '' });
    await expect(newKey('shop', 'all')).rejects.toMatchObject({ code: 1, stdout: '' });
  });

  test('guard tasks, checkpoints and metrics, not the probes; the log has the name, never the key', async () => {
    const { app, post, log } = await harness({ access: { keys } });
    for (const path of ['/v1/checkpoints', '/v1/nothing', '/metrics']) {
      const refused = await request(app).get(path);
      expectProblem(refused, 'unauthorized');
      expect(refused.headers['www-authenticate']).toMatch(/^Bearer /);
    }
    const model = await request(app).get('/v2/models/x');
    expectContract(model, 'get', '/v2/models/{id}');
    expect(model.status).toBe(401);
    expectContract(await post('/v1/tasks', support), 'post', '/v1/tasks');
    for (const path of ['/healthz', '/readyz', '/v2/health/live', '/v2/health/ready'])
      expect((await request(app).get(path)).status).toBe(200);
    const bearer = await request(app).get('/v1/checkpoints').set('Authorization', 'bearer key-2');
    const header = await request(app).get('/metrics').set('X-API-Key', 'key-1');
    expect([bearer.status, header.status]).toEqual([200, 200]);
    const basic = await request(app).get('/v1/checkpoints').set('Authorization', 'Basic key-2');
    expectProblem(basic, 'unauthorized');
    expect((await post('/v1/tasks', support).set('X-API-Key', 'key-3')).status).toBe(201);
    expect(log.map(({ client }) => client).filter(Boolean)).toEqual(['lab', 'shop']);
    expect(JSON.stringify(log)).not.toContain('key-');
  });

  test('that may only read neither make nor remove tasks', async () => {
    const { app, post, postJson } = await harness({ access: { keys } });
    const { id } = taskOf(await post('/v1/tasks', support).set('X-API-Key', 'key-1'));
    const reading = { 'X-API-Key': 'key-2' };
    const refused = [
      await post('/v1/tasks', support).set(reading),
      await post('/v1/estimates', support).set(reading),
      await request(app).delete(`/v1/tasks/${id}`).set(reading),
    ];
    for (const answer of refused) expectProblem(answer, 'missing-scope');
    expectContract(refused[0]!, 'post', '/v1/tasks');
    expectContract(refused[2]!, 'delete', '/v1/tasks/{id}');
    const allowed = [
      await request(app).get('/v1/checkpoints').set(reading),
      await post(`/v1/tasks/${id}/predictions`, support).set(reading),
      await postJson(`/v2/models/${id}/infer`, '{}').set(reading),
    ];
    // the task is of another owner
    expect(allowed.map(({ status }) => status)).toEqual([200, 404, 404]);
  });

  test('guard a path however it is written: what is not guarded is not there', async () => {
    const { app } = await harness({ access: { keys, requests: 100 } });
    const { port } = await listen(app);
    const paths = [
      ...[
        '/V1/checkpoints',
        '/v1/Checkpoints',
        '/METRICS',
        '/Metrics/',
        '/V2',
        '/V2/models/x',
        '/v2/Health/live',
      ],
      ...['//v1/checkpoints', '/v1//checkpoints', '/./V1/checkpoints', '/x/../v1/checkpoints'],
      ...['/v1%2Fcheckpoints', '/%761/checkpoints', '/v1;a/checkpoints', '/v1\\checkpoints'],
      ...['/v1/checkpoints/', '/metrics/', '/v2/', 'http://x/v1/checkpoints', 'http://x/V1/checkpoints'],
    ];
    for (const path of paths) {
      const [answer] = (await once(get({ port, path }), 'response')) as [IncomingMessage];
      answer.resume();
      expect([401, 404], path).toContain(answer.statusCode);
    }
  });
});

describe('rate limits', () => {
  test('count by key; headers tell what is left; probes and metrics do not count', async () => {
    const { app } = await harness({ access: { keys, requests: 2 } });
    const ask = (key: string) => request(app).get('/v1/checkpoints').set('X-API-Key', key);
    const first = await ask('key-1');
    expect(first.headers['ratelimit']).toMatch(/^"requests"; r=1; t=\d+$/);
    expect(first.headers['ratelimit-policy']).toMatch(/^"requests"; q=2; w=60/);
    await request(app).get('/healthz');
    await request(app).get('/metrics').set('X-API-Key', 'key-1');
    expect((await ask('key-3')).status).toBe(200); // another key of the same client
    const over = await ask('key-1');
    expectContract(over, 'get', '/v1/checkpoints');
    expectProblem(over, 'rate-limited');
    expect(Number(over.headers['retry-after'])).toBeGreaterThan(0);
    expect(Number(over.headers['retry-after'])).toBeLessThanOrEqual(60);
    expect((await ask('key-2')).status).toBe(200);
  });

  test('count by address without keys, behind a proxy by the address that it tells', async () => {
    const direct = await harness({ access: { requests: 1 } });
    const behind = await harness({ access: { requests: 1, proxies: 1 } });
    const ask = ({ app }: typeof direct, address: string) =>
      request(app).get('/v1/checkpoints').set('X-Forwarded-For', address);
    expect((await ask(direct, '192.0.2.1')).status).toBe(200);
    expectProblem(await ask(direct, '192.0.2.2'), 'rate-limited'); // whoever it says it is
    expect((await ask(behind, '192.0.2.1')).status).toBe(200);
    expect((await ask(behind, '192.0.2.2')).status).toBe(200);
    expectProblem(await ask(behind, '198.51.100.7, 192.0.2.1'), 'rate-limited');
  });
});

describe('headers', () => {
  test('answers are for no frame, no sniffing and no script', async () => {
    const { app } = await harness();
    const { headers } = await request(app).get('/v1/checkpoints');
    expect(headers['content-security-policy']).toBe("default-src 'none';frame-ancestors 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['x-powered-by']).toBeUndefined();
    expect(headers['access-control-allow-origin']).toBeUndefined();
  });

  test('pages of the listed origins may call the service, also with a key, and read its headers', async () => {
    const { app, post } = await harness({ access: { keys, origins: ['https://a.example'] } });
    const preflight = await request(app).options('/v1/tasks').set({
      Origin: 'https://a.example',
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'x-api-key',
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-origin']).toBe('https://a.example');
    expect(preflight.headers['access-control-allow-headers']).toBe('x-api-key');
    const made = await post('/v1/tasks', support).set({ Origin: 'https://a.example', 'X-API-Key': 'key-1' });
    expect(made.status).toBe(201);
    expect(made.headers['access-control-expose-headers']).toContain('Location');
    const stranger = await request(app).get('/healthz').set('Origin', 'https://b.example');
    expect(stranger.headers['access-control-allow-origin']).toBeUndefined();
    const plain = await request(app).options('/v1/tasks').set('Origin', 'https://a.example');
    expect(plain.headers['allow']).toBe('POST, OPTIONS');
  });
});
