import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { Problem } from '../../../server/errors/errors.ts';
import { placeByFolders } from '../../../server/upload/folders.ts';
import { placeByTable } from '../../../server/upload/label-table.ts';
import { postZip } from '../support/archives.ts';
import { harness } from '../support/harness.ts';
import { problemsOf } from '../support/problem.ts';
import { rawZip, unicodePath } from '../../../scripts/fuzz/raw-zip.ts';
import { shades, taskOf } from '../support/tasks.ts';
import { zip } from '../support/zip.ts';
import type { RawEntry } from '../support/zip.ts';

const { expectProblem } = problemsOf('upload/data-sets.test.ts');
const { red, green, blue } = shades;
const split: readonly RawEntry[] = [
  { path: 'data/train/red/1.png', content: red[0] },
  { path: 'data/train/blue/1.png', content: blue[0] },
  { path: 'data/test/red/2.png', content: red[1] },
  { path: 'data/test/blue/2.png', content: blue[1] },
  { path: 'data/test/blue/3.png', content: blue[2] },
];

const beside = (folder: string) => ({
  problem: `it is beside "${folder}", which has folders of classes; leave it out`,
});

describe('a data set of parts', () => {
  test('a task is made of its training set, and evaluated with its test set', async () => {
    const running = await harness();
    const made = taskOf(await postZip(running, '/v1/tasks', await zip(split)));
    expect(made.shots).toEqual({ red: 1, blue: 1 });
    const evaluation = await postZip(running, `/v1/tasks/${made.id}/evaluations`, await zip(split));
    expect(evaluation.body).toMatchObject({ images: 3 });
    const predictions = await postZip(running, `/v1/tasks/${made.id}/predictions`, await zip(split));
    expect((predictions.body as { predictions: unknown[] }).predictions.length).toBe(5);
  });

  test('of what is passed over, nothing is unpacked or counted', async () => {
    const running = await harness();
    const many = Array.from({ length: 1100 }, (_, i) => ({ path: `data/val/red/${i}.png`, content: 'x' }));
    expect((await postZip(running, '/v1/tasks', await zip([...split, ...many]))).status).toBe(201);
  });

  test.each<[string[], ReturnType<typeof placeByFolders>, ReturnType<typeof placeByFolders>]>([
    [
      ['Training/a/1', 'validation/a/2'],
      [{ label: 'a' }, { passedOver: true }],
      [{ passedOver: true }, { label: 'a' }],
    ],
    [
      ['support/a/1', 'Query/a/2'],
      [{ label: 'a' }, { passedOver: true }],
      [{ passedOver: true }, { label: 'a' }],
    ],
    [
      ['train/a/1', 'dev/a/2', 'eval_set/a/3'],
      [{ label: 'a' }, { passedOver: true }, { passedOver: true }],
      [{ passedOver: true }, { passedOver: true }, { label: 'a' }],
    ],
    [
      ['d/train_set/a/1', 'd/val/a/2', 'd/test/a/b/3'],
      [{ label: 'a' }, { passedOver: true }, { passedOver: true }],
      [{ passedOver: true }, { passedOver: true }, { label: 'a' }],
    ],
    [
      ['train/a/1', 'test/0001'],
      [{ label: 'a' }, { passedOver: true }],
      [{ passedOver: true }, { problem: expect.stringContaining('no folder') as string }],
    ],
    [
      ['train/a/1', 'test/a/2', 'README'],
      [{ label: 'a' }, { passedOver: true }, { problem: 'it is in none of the parts train and test' }],
      [{ passedOver: true }, { label: 'a' }, { problem: 'it is in none of the parts train and test' }],
    ],
    // a train is a class of its own where no test set stands beside it; folders around all do not count
    [
      ['train/1', 'bus/2'],
      [{ label: 'train' }, { label: 'bus' }],
      [{ label: 'train' }, { label: 'bus' }],
    ],
    [
      ['train/a/1', 'train/b/2'],
      [{ label: 'a' }, { label: 'b' }],
      [{ label: 'a' }, { label: 'b' }],
    ],
    // parts inside the classes
    [
      ['a/train/1', 'a/test/2', 'b/train/x/3'],
      [{ label: 'a' }, { passedOver: true }, { label: 'b' }],
      [{ passedOver: true }, { label: 'a' }, { passedOver: true }],
    ],
    // of such folders in some classes only nothing is known
    [
      ['a/train/1', 'a/test/2', 'b/3'],
      [{ label: 'a' }, { label: 'a' }, { label: 'b' }],
      [{ label: 'a' }, { label: 'a' }, { label: 'b' }],
    ],
    // a part with classes is none itself
    [
      ['train/a/1', 'train/b/2', 'more/c/3'],
      [{ label: 'train' }, { label: 'train' }, beside('train')],
      [{ label: 'train' }, { label: 'train' }, beside('train')],
    ],
    [
      ['train/a/1', 'train/2', 'bus/3'],
      [{ label: 'train' }, { label: 'train' }, { label: 'bus' }],
      [{ label: 'train' }, { label: 'train' }, { label: 'bus' }],
    ],
  ])('%j', (paths, train, test) => {
    expect(placeByFolders(paths, 'train')).toEqual(train);
    expect(placeByFolders(paths, 'test')).toEqual(test);
  });

  test('without a training set, or without classes, is refused', async () => {
    const running = await harness();
    const none = await zip([
      { path: 'val/red/1.png', content: red[0] },
      { path: 'test/red/2.png', content: red[1] },
    ]);
    expect(
      expectProblem(await postZip(running, '/v1/tasks', none), 'unlabelled-file', {
        index: 0,
        file: 'val/red/1.png',
      }).detail,
    ).toContain('no part train');
    const flat = await zip([
      { path: 'train/1.png', content: red[0] },
      { path: 'test/2.png', content: blue[0] },
    ]);
    expectProblem(await postZip(running, '/v1/tasks', flat), 'unlabelled-file', {
      index: 0,
      file: 'train/1.png',
    });
  });
});

describe('a data set with labels.csv', () => {
  test('gives the labels of the table', async () => {
    const running = await harness();
    const archive = (csv: string) =>
      zip([
        { path: 'set/labels.csv', content: csv },
        { path: 'set/images/1.png', content: red[0] },
        { path: 'set/images/2.png', content: blue[0] },
      ]);
    const made = taskOf(
      await postZip(running, '/v1/tasks', await archive('\ufefffile,label\n1.png,red\n2.png,"deep, blue"\n')),
    );
    expect(made.labels).toEqual(['deep, blue', 'red']);
    const missing = await postZip(running, '/v1/tasks', await archive('file,label\n1.png,red\n'));
    expectProblem(missing, 'unlabelled-file', { index: 2, file: 'set/images/2.png' });
    const table = { index: 0, file: 'set/labels.csv' };
    const strange = await postZip(running, '/v1/tasks', await archive('file,label\n3.png,red\n'));
    expect(expectProblem(strange, 'unlabelled-file', table).detail).toContain('line 2, "3.png"');
    expectProblem(
      await postZip(running, '/v1/tasks', await archive('a,b\n1.png,red\n')),
      'unlabelled-file',
      table,
    );
  });

  test.each([
    ['id,class\na,x\nb,y', ['a.jpg', 'b.jpg'], ['x', 'y']],
    [
      'Image;Label\r\nimages/a.jpg;x\r\n./images/b.jpg;"y ""z"""\r\n\r\n',
      ['images/a.jpg', 'images/b.jpg'],
      ['x', 'y "z"'],
    ],
    ['filename\tlabel\textra\na.jpg\tx,1\t\nb.jpg\ty\tq', ['a.jpg', 'b.jpg'], ['x,1', 'y']],
    ['path,label,split\na.jpg,x,train\nb.jpg,y,test', ['a.jpg', 'b.jpg'], ['x', undefined]],
    ['path,label\na.jpg,x\nb.jpg,y', ['train/a.jpg', 'test/b.jpg'], ['x', undefined]],
    ['path,label\nu\\1.jpg,x\n.\\v\\1.jpg,y', ['u/1.jpg', 'v/1.jpg'], ['x', 'y']],
    ['path,label\nu/1.jpg,x\nv/1.jpg,y', ['u/1.jpg', 'v/1.jpg'], ['x', 'y']],
    // names of files as macOS writes them, apart from the table's
    ['path,label\n\u00fc.jpg,x\no\u0308.jpg,y', ['u\u0308.jpg', '\u00f6.jpg'], ['x', 'y']],
  ])('%j', (csv, paths, labels) => {
    const placed = placeByTable(csv, paths, 'train');
    expect(placed.map((placement) => ('label' in placement ? placement.label : undefined))).toEqual(labels);
  });

  test.each([
    ['file,label\n1.jpg,x', ['u/1.jpg', 'v/1.jpg'], 'is not one file'],
    ['file,label\na.jpg,x\na,y', ['a.jpg', 'b.jpg'], 'has already'],
    ['file,label\n"a.jpg,x', ['a.jpg'], 'not CSV in line 2'],
    ['', ['a.jpg'], 'no columns'],
  ])('%j is refused', (csv, paths, reason) => {
    expect(() => placeByTable(csv, paths, 'train')).toThrow(reason);
  });
});

/** Names as archivers of Windows write them, without a word about their code page. */
const codePages: readonly (readonly [string, string, string])[] = [
  ['Shift-JIS', '944c', '8ca2'], // cat, dog
  ['Shift-JIS with the byte of a backslash', '955c', '8ca2'],
  ['GBK', 'c3a8', 'b9b7'], // the first is UTF-8 by chance
  ['code page 866', 'aaaee8aaa0', 'e1aea1a0aaa0'],
  ['code page 850', '6772816e', '626c6175'],
  ['Windows-1252', '6772fc6e', '626c6175'],
];

describe('names in an archive', () => {
  const named = (folder: Uint8Array) => Buffer.concat([folder, Buffer.from('/1.png')]);

  test.each(codePages)('%s: refused, not garbled; understood with a Unicode path', async (_, one, two) => {
    const running = await harness();
    const names = [one, two].map((hex) => named(Buffer.from(hex, 'hex')));
    const entries = names.map((name, i) => ({ name, content: i === 0 ? red[0] : blue[0] }));
    const answer = await postZip(running, '/v1/tasks', rawZip(entries));
    const { detail } = expectProblem(answer, 'invalid-label', (answer.body as Problem).part);
    expect(detail).toContain('code page');
    const paths = ['\u732b/1.png', 'gr\u00fcn/1.png'];
    const told = rawZip(entries.map((entry, i) => ({ ...entry, extra: unicodePath(paths[i]!, entry.name) })));
    expect(taskOf(await postZip(running, '/v1/tasks', told)).labels).toEqual(['gr\u00fcn', '\u732b']);
  });

  test('in UTF-8 are understood with the flag and without it; a stale Unicode path is not', async () => {
    const running = await harness();
    const name = named(Buffer.from('gr\u00fcn'));
    const stale = unicodePath('old/1.png', Buffer.from('old'));
    for (const odd of [{ flags: 0x800 }, {}, { extra: stale }]) {
      const archive = rawZip([
        { name, content: green[0], ...odd },
        { name: Buffer.from('rot/1.png'), content: red[0] },
      ]);
      expect(taskOf(await postZip(running, '/v1/tasks', archive)).labels).toEqual(['gr\u00fcn', 'rot']);
    }
  });

  test('may begin with the folder that they are in, as bsdtar writes them', async () => {
    const running = await harness();
    const nothing = Buffer.alloc(0);
    const files = [
      ['./', nothing],
      ['./red/', nothing],
      ['./red/1.png', red[0]],
      ['././blue/1.png', blue[0]],
    ] as const;
    const archive = rawZip(files.map(([path, content]) => ({ name: Buffer.from(path), content })));
    expect(taskOf(await postZip(running, '/v1/tasks', archive)).labels).toEqual(['blue', 'red']);
  });

  test('of files alone may be in any code page', async () => {
    const running = await harness();
    const archive = rawZip([
      { name: Buffer.from('rot/K\x81che\\.png', 'latin1'), content: red[0] },
      { name: Buffer.from('blau/1.png'), content: blue[0] },
    ]);
    const { id, labels } = taskOf(await postZip(running, '/v1/tasks', archive));
    expect(labels).toEqual(['blau', 'rot']);
    const answer = await postZip(running, `/v1/tasks/${id}/predictions`, archive);
    expect(answer.body).toMatchObject({
      predictions: [{ file: 'rot/K\ufffdche\\.png' }, { file: 'blau/1.png' }],
    });
  });
});

test('a table of another name is told its name', async () => {
  const running = await harness();
  const archive = await zip([
    { path: 'metadata.csv', content: 'file_name,label\n1.png,red\n' },
    { path: '1.png', content: red[0] },
  ]);
  const part = { index: 0, file: 'metadata.csv' };
  const { detail } = expectProblem(await postZip(running, '/v1/tasks', archive), 'unlabelled-file', part);
  expect(detail).toContain('a table of labels is called labels.csv');
});

test('an archive of another format is named', async () => {
  const running = await harness();
  expect(
    expectProblem(await postZip(running, '/v1/tasks', Buffer.alloc(0)), 'malformed-zip').detail,
  ).toContain('it is empty');
  const packed = gzipSync(Buffer.alloc(1000));
  const form = await running.post('/v1/tasks', [{ name: 'photos', file: 'x.tar.gz', content: packed }]);
  const part = { index: 0, name: 'photos', file: 'x.tar.gz' };
  expect(expectProblem(form, 'unsupported-image', part).detail).toContain(
    'tar.gz archive is not accepted; pack',
  );
  const body = await postZip(running, '/v1/tasks', packed);
  expect(expectProblem(body, 'malformed-zip').detail).toContain('tar.gz');
});
