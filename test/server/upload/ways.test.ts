import request from 'supertest';
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../../server/errors/errors.ts';
import { placeByFolders } from '../../../server/upload/folders.ts';
import { expectContract } from '../support/contract.ts';
import { harness } from '../support/harness.ts';
import { problemsOf } from '../support/problem.ts';
import { shades, support, taskOf } from '../support/tasks.ts';
import { zip } from '../support/zip.ts';
import type { RawEntry } from '../support/zip.ts';
import { entries, postZip } from '../support/archives.ts';

const { expectProblem } = problemsOf('upload/ways.test.ts');
const { red, green, blue } = shades;

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const inJson = {
  support: {
    red: [base64(red[0]), `data:image/png;base64,${base64(red[1])}`],
    blue: [base64(blue[0]).replace(/=+$/, '')],
    green: [`data:;charset=x;base64,${base64(green[0])}`],
  },
};

describe('the same support set is the same task', () => {
  test('as a form, as a zip archive, as the archive in a form, as JSON', async () => {
    const running = await harness();
    const first = await running.post('/v1/tasks', support);
    const archive = await zip(entries);
    const others = [
      await postZip(running, '/v1/tasks', archive),
      await postZip(running, '/v1/tasks', archive, 'application/x-zip-compressed'),
      await running.post('/v1/tasks', [{ name: 'anything', file: 'photos.zip', content: archive }]),
      await running.postJson('/v1/tasks', inJson),
    ];
    for (const answer of others) {
      expectContract(answer, 'post', '/v1/tasks');
      expect([answer.status, answer.body]).toEqual([200, first.body]);
    }
    expect(running.adapter.calls.length).toBe(1);
  });

  test('with what people and their desktops put into archives', async () => {
    const running = await harness();
    const { id } = taskOf(await running.post('/v1/tasks', support));
    const around = (folder: string) =>
      entries.map(({ path, content }) => ({ path: `${folder}${path}`, content }));
    const litter: readonly RawEntry[] = [
      { path: 'my photos/', content: '' },
      { path: 'my photos/red/', content: '' },
      { path: '__MACOSX/my photos/red/._1.png', content: 'x' },
      { path: 'my photos/.DS_Store', content: 'x' },
      { path: 'my photos/red/.DS_Store', content: 'x' },
      { path: 'my photos/red/Thumbs.db', content: 'x' },
      { path: 'my photos/.git/config', content: 'x' },
    ];
    const archives = [
      [...litter, ...around('my photos/')],
      [...around('a/b/c/')].reverse(),
      entries.map((entry) => ({ ...entry, compress: false })),
      // folders inside a class do not matter
      entries.map(({ path, content }, index) => ({ path: path.replace('/', `/${index}/`), content })),
    ];
    for (const archive of archives)
      expect(taskOf(await postZip(running, '/v1/tasks', await zip(archive))).id).toBe(id);
  });

  test('labels are what they are in forms: any Unicode in NFC, `__proto__` too', async () => {
    const running = await harness();
    const parts = [
      { name: '__proto__', file: '1.png', content: red[0] },
      { name: 'K\u00e4fer "x"', file: '2.png', content: blue[0] },
    ];
    const { id } = taskOf(await running.post('/v1/tasks', parts));
    const archive = await zip([
      { path: '__proto__/1.png', content: red[0] },
      { path: 'Ka\u0308fer "x"/2.png', content: blue[0] },
    ]);
    expect(taskOf(await postZip(running, '/v1/tasks', archive)).id).toBe(id);
    const text = `{"support":{"__proto__":["${base64(red[0])}"],"K\\u00e4fer \\"x\\"":["${base64(blue[0])}"]}}`;
    expect(taskOf(await running.postJson('/v1/tasks', text)).id).toBe(id);
  });
});

test('predictions take an archive and JSON like a form', async () => {
  const running = await harness();
  const { id } = taskOf(await running.post('/v1/tasks', support));
  const path = `/v1/tasks/${id}/predictions`;
  const contents = [blue[2], red[2], green[2]];
  interface Prediction {
    readonly file: string;
    readonly label: string;
    readonly probabilities: object;
  }
  const predictions = ({ body }: request.Response) => (body as { predictions: Prediction[] }).predictions;
  const without = (answer: request.Response) =>
    predictions(answer).map(({ label, probabilities }) => ({ label, probabilities }));
  const files = (answer: request.Response) => predictions(answer).map(({ file }) => file);
  const form = await running.post(
    path,
    contents.map((content, index) => ({ name: 'images', file: `${index}.png`, content })),
  );
  const archive = await zip(contents.map((content, index) => ({ path: `any/${index}.png`, content })));
  const zipped = await postZip(running, path, archive);
  const inForm = await running.post(path, [{ name: 'images', file: 'x.zip', content: archive }]);
  const json = await running.postJson(path, { images: contents.map(base64) });
  for (const answer of [zipped, inForm, json]) {
    expectContract(answer, 'post', '/v1/tasks/{id}/predictions');
    expect(without(answer)).toEqual(without(form));
  }
  expect(files(zipped)).toEqual(['any/0.png', 'any/1.png', 'any/2.png']);
  expect(files(json)).toEqual(['/images/0', '/images/1', '/images/2']);
  const stranger = await running.post(path, [{ name: 'image', file: 'x.zip', content: archive }]);
  expectProblem(stranger, 'unexpected-part', { index: 0, name: 'image', file: 'x.zip' });
});

test('JSON with a member twice is refused, since its images would be lost', async () => {
  const running = await harness();
  const { id } = taskOf(await running.post('/v1/tasks', support));
  const image = base64(red[0]);
  const bodies: readonly (readonly [string, string])[] = [
    ['/v1/tasks', `{"support":{"a":["${image}"],"b":["${image}"],"\\u0061" :["${image}"]}}`],
    [`/v1/tasks/${id}/predictions`, `{"images":["${image}"], "images":["${image}"]}`],
  ];
  for (const [path, body] of bodies) {
    const answer = await request(running.app).post(path).set('Content-Type', 'application/json').send(body);
    expect(expectProblem(answer, 'malformed-json').detail).toContain('twice');
  }
  const nested = `{"support":{"a:{}":["${image}"],"support":["${base64(blue[0])}"]}}`;
  expect((await running.postJson('/v1/tasks', nested)).status).toBe(201);
});

describe('images in JSON are refused', () => {
  const image = base64(red[0]);
  const cases: readonly (readonly [string, unknown, ErrorCode, string])[] = [
    ['no base64', { support: { red: ['not base64!'], blue: [image] } }, 'invalid-images', '/support/red/0'],
    [
      'line breaks',
      { support: { red: [`${image.slice(0, 40)}\n${image.slice(40)}`] } },
      'invalid-images',
      '/support/red/0',
    ],
    ['a padded middle', { support: { red: [`${image}==${image}`] } }, 'invalid-images', '/support/red/0'],
    [
      'a plain data URL',
      { support: { red: ['data:image/svg+xml,<svg/>'] } },
      'invalid-images',
      '/support/red/0',
    ],
    ['numbers', { support: { red: [1] } }, 'invalid-images', '/support/red/0'],
    ['an empty text', { support: { red: [''] } }, 'invalid-images', '/support/red/0'],
    ['an empty class', { support: { red: [] } }, 'invalid-images', '/support/red'],
    ['no list', { support: { red: image } }, 'invalid-images', '/support/red'],
    ['no class', { support: {} }, 'invalid-images', '/support'],
    ['another member', { support: { 'a/b~': [image] }, steps: 3 }, 'unexpected-member', '/steps'],
    ['one class', { support: { 'a/b~': [image] } }, 'too-few-classes', '/support/a~1b~0/0'],
    ['a blank label', { support: { ' ': [image], red: [image] } }, 'invalid-label', '/support/ /0'],
    [
      'no image',
      { support: { red: [image], blue: [base64(Buffer.from('hi'))] } },
      'unsupported-image',
      '/support/blue/0',
    ],
    ['a file too large', { support: { red: ['A'.repeat(300_000)] } }, 'file-too-large', '/support/red/0'],
    [
      'too many',
      { support: { red: Array.from({ length: 51 }, () => image) } },
      'too-many-images',
      '/support/red/50',
    ],
  ];
  test.each(cases)('%s', async (_, body, code, pointer) => {
    const { postJson, adapter } = await harness();
    const answer = await postJson('/v1/tasks', body);
    expectContract(answer, 'post', '/v1/tasks');
    expectProblem(answer, code, pointer);
    expect(adapter.calls.length).toBe(0);
  });

  test('for predictions alike', async () => {
    const { post, postJson } = await harness();
    const path = `/v1/tasks/${taskOf(await post('/v1/tasks', support)).id}/predictions`;
    expectProblem(await postJson(path, { images: 'x' }), 'invalid-images', '/images');
    expectProblem(await postJson(path, { images: [image, 'x'] }), 'invalid-images', '/images/1');
    expectProblem(await postJson(path, { x: [1] }), 'unexpected-member', '/x');
    expectProblem(await postJson(path, [image]), 'invalid-images', '');
    const many = Array.from({ length: 101 }, () => image);
    expectProblem(await postJson(path, { images: many }), 'too-many-files', '/images/100');
  });
});

test('which folder is the class', () => {
  const cases: readonly (readonly [string[], (string | undefined)[]])[] = [
    [[], []],
    [
      ['cat/1', 'dog/2'],
      ['cat', 'dog'],
    ],
    [
      ['photos/cat/1', 'photos/dog/2'],
      ['cat', 'dog'],
    ],
    [
      ['a/b/cat/1', 'a/b/dog/x/2'],
      ['cat', 'dog'],
    ],
    [
      ['cat/x/1', 'dog/2'],
      ['cat', 'dog'],
    ],
    [
      ['cat/1', '2'],
      ['cat', undefined],
    ],
    [
      ['photos/cat/1', 'photos/2'],
      ['cat', undefined],
    ],
    [
      ['1', '2'],
      [undefined, undefined],
    ],
    [
      ['cat//1', 'dog/2'],
      ['cat', 'dog'],
    ],
  ];
  for (const [paths, folders] of cases) {
    const labels = placeByFolders(paths, 'train').map((placement) =>
      'label' in placement ? placement.label : undefined,
    );
    expect(labels, paths.join()).toEqual(folders);
  }
});
