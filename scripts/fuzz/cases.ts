import { fuzzBoundary, folders, multipartOf, points, zipOf } from './corpus.ts';
import type { Corpus } from './corpus.ts';
import { Draw } from './draw.ts';
import { mutateBytes, mutateJson, mutateText } from './mutate.ts';
import { encoded, oddDataSet, oddForm, oddLabels } from './odd-bodies.ts';

export interface Case {
  readonly kind: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

type Make = (draw: Draw, corpus: Corpus) => Omit<Case, 'kind'>;

const multipartType = `multipart/form-data; boundary=${fuzzBoundary}`;
const post = (path: string, type: string, body: Buffer): Omit<Case, 'kind'> => ({
  method: 'POST',
  path,
  headers: { 'Content-Type': type },
  body,
});

/** An image that is mutated, or of a kind that is refused as it is. */
function oddImage(draw: Draw, { images, refused }: Corpus): Buffer {
  const all = [...images, ...refused];
  return draw.chance(0.1) ? draw.pick(refused) : mutateBytes(draw.pick(all), draw, draw.pick(all));
}
const oddJson = (value: unknown, draw: Draw) =>
  Buffer.from(mutateText(JSON.stringify(draw.chance(0.85) ? mutateJson(value, draw) : value), draw));

/** Where bodies of labelled images go, and the field of those without labels. */
const uploads = (draw: Draw, { imagesTask }: Corpus) =>
  draw.pick([
    { path: '/v1/tasks', fields: ['cat', 'dog'] },
    { path: '/v1/tasks?steps=1', fields: ['cat', 'dog'] },
    { path: '/v1/estimates', fields: ['cat', 'dog'] },
    { path: `/v1/tasks/${imagesTask}/predictions`, fields: ['images', 'images'] },
    { path: `/v1/tasks/${imagesTask}/evaluations`, fields: ['cat', 'dog'] },
  ]);

const oddPaths = [
  '../../x',
  '/etc/x',
  'C:\\x',
  'a/b/c/d/e',
  '__MACOSX/cat/._1.jpg',
  'cat/',
  'cat/\u0000',
  '.cat/1.jpg',
  './cat/9.jpg',
  'cat//9.jpg',
  'cat/./1.jpg',
  'c\u0301at/1.jpg',
  'x',
];

/** A well-formed archive of what does not belong into one: other paths, no images, a lot of nothing. */
function oddFolders(draw: Draw, corpus: Corpus): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = { ...folders(corpus.images) };
  for (let times = 1 + draw.below(3); times > 0; times--) {
    const path = draw.chance(0.5) ? draw.pick(oddPaths) : draw.pick(Object.keys(files));
    const contents: readonly (() => Uint8Array)[] = [
      () => oddImage(draw, corpus),
      () => Buffer.alloc(draw.below(20_000_000)), // next to nothing in the archive
      () => zipOf(folders(corpus.images)),
      () => Buffer.from('no image'),
    ];
    files[path] = draw.pick(contents)();
  }
  if (draw.chance(0.1)) for (let i = 0; i < 1100; i++) files[`many/${i}`] = Buffer.alloc(1);
  return files;
}

/** Header values that a client can send (no line breaks: below HTTP's rules the parser answers alone). */
const printable = (text: string) => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, '?').trim() || '?';

/** What is sent, by kind. A kind that the service does not take (415, 404) is refused, which is an answer, too. */
const makers: Readonly<Record<string, Make>> = {
  image: (draw, corpus) => {
    const { path, fields } = uploads(draw, corpus);
    const files = fields.flatMap((field) => [
      [field, oddImage(draw, corpus)] as const,
      [field, draw.pick(corpus.images)] as const,
    ]);
    return post(path, multipartType, multipartOf(files.slice(draw.below(2))));
  },
  multipart: (draw, corpus) => {
    const { path, fields } = uploads(draw, corpus);
    const body = multipartOf(fields.map((field) => [field, draw.pick(corpus.images)] as const));
    return post(path, multipartType, mutateBytes(body, draw, body));
  },
  contentType: (draw, corpus) => {
    const types = [multipartType, 'application/json', 'application/zip', 'application/json; charset=utf-8'];
    const type = Buffer.from(draw.pick(types));
    const { path, fields } = uploads(draw, corpus);
    const body = multipartOf(fields.map((field) => [field, draw.pick(corpus.images)] as const));
    return post(path, printable(mutateBytes(type, draw, type).toString('latin1')), body);
  },
  points: (draw) =>
    post(
      draw.pick(['/v1/tasks', '/v1/tasks?steps=1']),
      'application/json',
      oddJson({ support: points }, draw),
    ),
  x: (draw, { pointsTask }) =>
    post(`/v1/tasks/${pointsTask}/predictions`, 'application/json', oddJson({ x: [-1, 0, 0.5] }, draw)),
  base64: (draw, corpus) => {
    const text = () =>
      (draw.chance(0.5) ? oddImage(draw, corpus) : draw.pick(corpus.images)).toString('base64');
    const { path, fields } = uploads(draw, corpus);
    const labelled = { support: Object.fromEntries(fields.map((field) => [field, [text(), text()]])) };
    const body = path.endsWith('predictions') ? { images: [text()] } : labelled;
    return post(
      path,
      'application/json',
      draw.chance(0.5) ? Buffer.from(JSON.stringify(body)) : oddJson(body, draw),
    );
  },
  zip: (draw, corpus) => {
    const whole = zipOf(folders(corpus.images));
    const body = draw.chance(0.4) ? mutateBytes(whole, draw, whole) : zipOf(oddFolders(draw, corpus));
    return post(uploads(draw, corpus).path, 'application/zip', body);
  },
  disposition: (draw, corpus) => post(uploads(draw, corpus).path, multipartType, oddForm(draw, corpus)),
  labels: (draw, corpus) => {
    const { type, body } = oddLabels(draw, corpus);
    return post(uploads(draw, corpus).path, type, body);
  },
  dataSet: (draw, corpus) => post(uploads(draw, corpus).path, 'application/zip', oddDataSet(draw, corpus)),
  encoding: (draw, corpus) => {
    const { path, fields } = uploads(draw, corpus);
    const form = multipartOf(fields.map((field) => [field, draw.pick(corpus.images)] as const));
    const { encoding, body } = encoded(form, draw);
    const sent = post(path, draw.pick([multipartType, 'application/json', 'application/zip']), body);
    return { ...sent, headers: { ...sent.headers, 'Content-Encoding': encoding } };
  },
  infer: (draw, { pointsTask }) => {
    const input = { name: 'x', shape: [2, 1], datatype: 'FP32', data: [0, 1] };
    return post(
      `/v2/models/${pointsTask}/infer`,
      'application/json',
      oddJson({ id: '1', inputs: [input] }, draw),
    );
  },
  binaryInfer: (draw, { pointsTask }) => {
    const input = {
      name: 'x',
      shape: [2, 1],
      datatype: 'FP32',
      parameters: { binary_data_size: draw.pick([8, 8, 4, -1]) },
    };
    const asked = { inputs: [input], parameters: { binary_data_output: draw.chance(0.5) } };
    const json = draw.chance(0.5) ? Buffer.from(JSON.stringify(asked)) : oddJson(asked, draw);
    const numbers = Buffer.from(Float32Array.of(0, 1).buffer);
    const binary = draw.chance(0.5) ? numbers : mutateBytes(numbers, draw, json);
    const length = draw.pick([json.length, json.length, json.length + 1, 0, -1, 1e9]);
    return {
      method: 'POST',
      path: `/v2/models/${pointsTask}/infer`,
      headers: {
        'Content-Type': 'application/octet-stream',
        'Inference-Header-Content-Length': String(length),
      },
      body: Buffer.concat([json, binary]),
    };
  },
  path: (draw, { imagesTask }) => {
    const paths = [
      `/v1/tasks/${imagesTask}`,
      `/v1/tasks/${imagesTask}/model`,
      `/v1/tasks/${imagesTask}/architecture.svg`,
      `/v1/tasks/${imagesTask}/bundle`,
      `/v1/tasks/${imagesTask}/progress`,
      `/v2/models/${imagesTask}`,
      '/v1/checkpoints',
      '/v1/checkpoints/photos-small/file?x=1',
      '/assets/x.js',
    ];
    const path = Buffer.from(draw.pick(paths));
    const other = Buffer.from('/../%2e%2e%2f%00%ff?a[b]=c&__proto__=1#');
    const odd = draw.chance(0.3) ? path : mutateBytes(path, draw, other);
    const text = `/${odd.toString('latin1').replace(/[^\x21-\x7e]/g, '%')}`;
    return {
      method: draw.pick(['GET', 'HEAD', 'OPTIONS', 'DELETE', 'PATCH', 'PUT']),
      path: text,
      headers: {},
      body: undefined,
    };
  },
  headers: (draw, { imagesTask }) => {
    const seed = draw.pick([
      'bytes=0-10,20-',
      'bytes=-999999999',
      'W/"a", "b"',
      'respond-async, wait=10',
      'gzip;q=0.5, br',
      'a-b_c.1',
      '*/*;q=x',
    ]);
    const name = draw.pick([
      'Range',
      'If-None-Match',
      'If-Range',
      'Prefer',
      'Accept',
      'Accept-Encoding',
      'X-Request-Id',
      'Last-Event-ID',
      'Origin',
    ]);
    const value = Buffer.from(seed);
    const odd = draw.chance(0.5) ? value : mutateBytes(value, draw, value);
    return {
      method: 'GET',
      path: `/v1/tasks/${imagesTask}/${draw.pick(['model', 'progress', 'architecture.svg', 'bundle'])}`,
      headers: { [name]: printable(odd.toString('latin1')) },
      body: undefined,
    };
  },
};

export const kinds = Object.keys(makers);

/** The case of a seed and a number: always the same one. */
export function caseOf(seed: number, index: number, corpus: Corpus): Case {
  const draw = new Draw(seed, index);
  const kind = kinds[index % kinds.length]!;
  return { kind, ...makers[kind]!(draw, corpus) };
}
