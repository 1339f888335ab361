import request from 'supertest';
import { beforeAll, describe, expect, test } from 'vitest';
import { buildPage } from '../../../server/page/build.ts';
import type { Page } from '../../../server/page/build.ts';
import { expectContract } from '../support/contract.ts';
import { harness } from '../support/harness.ts';
import { problemsOf } from '../support/problem.ts';
import { support } from '../support/tasks.ts';

const { expectProblem } = problemsOf('page/page.test.ts');

let page: Page;
beforeAll(async () => {
  page = await buildPage();
});

const app = async () => (await harness({ replace: { page } })).app;
/** What a document loads; where its links lead is another thing. */
const paths = (text: string) =>
  [...text.matchAll(/<(?!a )[^>]*(?:href|src)="([^"]+)"/g)].map((match) => match[1]!);

describe('the page for people', () => {
  test('its document loads nothing but assets of this server, which are there', async () => {
    const running = await app();
    const answer = await request(running).get('/');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(paths(answer.text)).toHaveLength(3);
    for (const path of paths(answer.text)) {
      expect(path).toMatch(/^\/assets\/[\w.-]+$/);
      const asset = await request(running).get(path);
      expect(asset.status).toBe(200);
      expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    }
  });

  test('allows no script and no style but its own files, and no other host', async () => {
    const { headers, text } = await request(await app()).get('/');
    const policy = headers['content-security-policy']!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
    expect(policy).toContain("style-src 'self';");
    expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|https?:|\*/);
    expect(text).not.toMatch(/<style|style=|<script>|https?:/);
  });

  test('loads less than 500 KB before the runtime, which is none of it', async () => {
    const text = Buffer.from(page.document).toString();
    const seen = new Set(paths(text));
    for (const path of seen) {
      const content = Buffer.from(await page.assets.get(path)!.load());
      if (!path.endsWith('.js')) continue;
      // what a script imports at once, not what it may load later
      for (const [, name] of content.toString().matchAll(/(?:from|import)\s?"\.\/([\w.-]+)"/g))
        seen.add(`/assets/${name!}`);
    }
    const sizes = await Promise.all(
      [...seen].map(async (path) => (await page.assets.get(path)!.load()).length),
    );
    const total = page.document.length + sizes.reduce((sum, size) => sum + size, 0);
    expect(total).toBeGreaterThan(20_000);
    expect(total).toBeLessThan(500_000);
    expect([...seen].filter((path) => /wasm|onnxruntime|worker/.test(path))).toEqual([]);
  });

  test('is built the same twice', async () => {
    const again = await buildPage();
    expect(Buffer.from(again.document)).toEqual(Buffer.from(page.document));
    expect([...again.assets.keys()].sort()).toEqual([...page.assets.keys()].sort());
  });

  test('WebAssembly comes compressed where that is understood, and is the same', async () => {
    const [path, asset] = [...page.assets].find(([name]) => name.endsWith('threaded.wasm'))!;
    const running = await app();
    const packed = await request(running).get(path).set('Accept-Encoding', 'gzip').buffer().parse(bytes);
    expect(packed.headers['content-type']).toBe('application/wasm');
    expect(packed.headers['content-encoding']).toBe('gzip');
    const plain = await request(running).get(path).set('Accept-Encoding', 'identity').buffer().parse(bytes);
    expect(plain.headers['content-encoding']).toBeUndefined();
    const content = Buffer.from(await asset.load());
    expect(content.equals(plain.body as Buffer)).toBe(true);
    expect(content.equals(packed.body as Buffer)).toBe(true);
    expect(plain.headers['content-length']).toBe(String(content.length));
    expect(plain.headers['etag']).not.toBe(packed.headers['etag']);
    for (const { headers } of [plain, packed]) {
      const encoding = headers['content-encoding'] ?? 'identity';
      const again = await request(running)
        .get(path)
        .set({ 'Accept-Encoding': encoding, 'If-None-Match': headers['etag']! });
      expect(again.status).toBe(304);
    }
    const head = await request(running).head(path).set('Accept-Encoding', 'identity');
    expect(head.headers).toMatchObject({
      etag: plain.headers['etag'],
      'content-length': String(content.length),
    });
  });

  test('an asset that cannot be read is an error without its headers, until it can be', async () => {
    let fails = true;
    const load = () => (fails ? Promise.reject(new Error('broken')) : Promise.resolve(Buffer.from('1')));
    const assets = new Map([
      ['/assets/a.js', { type: 'text/javascript', load }],
      ['/assets/b.js', { type: 'text/javascript', load, file: '/nowhere/b.js' }],
    ]);
    const { app: running } = await harness({ replace: { page: { document: Buffer.from(''), assets } } });
    const get = (path: string, encoding: string) =>
      request(running).get(path).set('Accept-Encoding', encoding);
    for (const encoding of ['gzip', 'identity']) {
      const answer = await get('/assets/a.js', encoding);
      expectProblem(answer, 'internal');
      expect(answer.headers).not.toHaveProperty('content-encoding');
    }
    expectProblem(await get('/assets/b.js', 'identity'), 'internal');
    fails = false;
    expect((await get('/assets/a.js', 'gzip')).text).toBe('1');
  });

  test('the index of the example names images that are there, of three classes in both sets', async () => {
    const running = await app();
    const path = [...page.assets.keys()].find((name) => name.endsWith('.json'))!;
    const answered = await request(running).get(path);
    const images = answered.body as { label?: string; set: string; url: string }[];
    for (const set of ['support', 'query']) {
      const labels = images.flatMap((image) => (image.set === set ? (image.label ?? []) : []));
      expect(new Set(labels).size).toBe(3);
    }
    for (const { url } of images) {
      const answer = await request(running).get(url);
      expect(answer.headers['content-type']).toBe('image/jpeg');
    }
  });

  test('an unknown asset is a problem, also one that looks like a path out of the folder', async () => {
    const running = await app();
    for (const path of ['/assets/none.js', '/assets/..%2f..%2fpackage.json', '/assets/'])
      expectProblem(await request(running).get(path), 'not-found');
  });
});

/** The bytes of an answer, unpacked. */
function bytes(answer: request.Response, done: (error: Error | null, body: unknown) => void): void {
  const chunks: Buffer[] = [];
  const response = answer as unknown as NodeJS.ReadableStream;
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.on('end', () => done(null, Buffer.concat(chunks)));
}

describe('the file of a checkpoint', () => {
  test('is sent as it is, and not again when the client has it', async () => {
    const { app: running } = await harness();
    const answer = await request(running).get('/v1/checkpoints/photos/file').buffer().parse(bytes);
    expectContract(answer, 'get', '/v1/checkpoints/{id}/file');
    expect(answer.status).toBe(200);
    expect((answer.body as Buffer).toString()).toBe('photos');
    expect(answer.headers['content-disposition']).toBe('attachment; filename="photos.safetensors"');
    const again = await request(running)
      .get('/v1/checkpoints/photos/file')
      .set('If-None-Match', answer.headers['etag']!);
    expectContract(again, 'get', '/v1/checkpoints/{id}/file');
    expect(again.status).toBe(304);
  });

  test('is read once for all, and again after a failure', async () => {
    let reads = 0;
    const readCheckpoint = (id: string) =>
      ++reads === 1 ? Promise.reject(new Error('broken')) : Promise.resolve(Buffer.from(id));
    const { app: running } = await harness({ replace: { readCheckpoint } });
    const get = () => request(running).get('/v1/checkpoints/photos/file');
    expectProblem(await get(), 'internal');
    for (const { status } of [await get(), await get()]) expect(status).toBe(200);
    expect(reads).toBe(2);
  });

  test('of an unknown id', async () => {
    const { app: running } = await harness();
    const answer = await request(running).get('/v1/checkpoints/none/file');
    expectProblem(answer, 'not-found');
    expectContract(answer, 'get', '/v1/checkpoints/{id}/file');
  });
});

describe('the embedding of a task', () => {
  test('is that of its record', async () => {
    const { app: running, post } = await harness();
    const { id } = (await post('/v1/tasks', support)).body as { id: string };
    const answer = await request(running).get(`/v1/tasks/${id}/embedding`);
    expectContract(answer, 'get', '/v1/tasks/{id}/embedding');
    expect(answer.body).toMatchObject({ id, checkpoint: 'photos' });
    const absent = await request(running).get(`/v1/tasks/${'0'.repeat(32)}/embedding`);
    expectContract(absent, 'get', '/v1/tasks/{id}/embedding');
    expect(absent.status).toBe(404);
  });
});
