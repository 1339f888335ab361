import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ErrorCode, Part } from '../../../server/errors/errors.ts';
import { expectContract } from '../support/contract.ts';
import { limits } from '../support/defaults.ts';
import { harness } from '../support/harness.ts';
import { problemsOf } from '../support/problem.ts';
import { shades } from '../support/tasks.ts';
import { zip } from '../support/zip.ts';
import type { RawEntry } from '../support/zip.ts';
import { entries, postZip } from '../support/archives.ts';

const { expectProblem } = problemsOf('upload/archives.test.ts');
const { blue } = shades;

describe('an archive is refused', () => {
  interface Case {
    readonly title: string;
    readonly entries: readonly RawEntry[];
    readonly code: ErrorCode;
    readonly part?: Part;
  }
  const with1 = (entry: RawEntry) => [entries[0]!, entry];
  const unsafe = (path: string, mode?: number): Case => ({
    title: `with ${JSON.stringify(path)}${mode === undefined ? '' : ` of mode ${mode.toString(8)}`}`,
    entries: with1({ path, content: blue[0], ...(mode === undefined ? {} : { mode }) }),
    code: 'unsafe-zip',
    part: { index: 1, file: path },
  });
  const cases: readonly Case[] = [
    unsafe('../blue/1.png'),
    unsafe('blue/../../1.png'),
    unsafe('blue/./1.png'),
    { ...unsafe('./../1.png'), part: { index: 1, file: '../1.png' } },
    unsafe('/etc/blue/1.png'),
    unsafe('C:/blue/1.png'),
    unsafe('blue\\1.png'),
    unsafe('blue/1.png\0.jpg'),
    unsafe('__MACOSX/../../x.png'),
    unsafe('blue/link.png', 0o120777),
    unsafe('blue/pipe.png', 0o010644),
    {
      title: 'with one path twice',
      entries: [...entries, { path: './red/1.png', content: blue[0] }],
      code: 'unsafe-zip',
      part: { index: 4, file: 'red/1.png' },
    },
    {
      title: 'with a file that unpacks to more than one file may have',
      entries: with1({ path: 'blue/1.png', content: Buffer.alloc(limits.fileBytes + 1, 'ab') }),
      code: 'file-too-large',
      part: { index: 1, file: 'blue/1.png' },
    },
    {
      title: 'whose files unpack to more than a body may have',
      entries: Array.from({ length: 30 }, (_, index) => ({
        path: `blue/${index}.png`,
        content: Buffer.alloc(100_000),
      })),
      code: 'zip-too-large',
      part: { index: 20, file: 'blue/20.png' },
    },
    {
      title: 'with 1001 files',
      entries: Array.from({ length: 1001 }, (_, index) => ({
        path: `c${index % 20}/${index}.png`,
        content: 'x',
      })),
      code: 'too-many-files',
      part: { index: 1000, file: 'c0/1000.png' },
    },
    {
      title: 'with 10,001 entries',
      entries: Array.from({ length: 10_001 }, (_, index) => ({
        path: `.x/${index}`,
        content: '',
        compress: false,
      })),
      code: 'zip-too-large',
      part: { index: 10_000, file: '.x/10000' },
    },
    { title: 'without a file', entries: [{ path: 'red/', content: '' }], code: 'no-files' },
    {
      title: 'with a file in no folder',
      entries: [...entries, { path: '9.png', content: blue[0] }],
      code: 'unlabelled-file',
      part: { index: 4, file: '9.png' },
    },
    {
      title: 'with a file in no class',
      entries: [...entries, { path: '9.png', content: blue[0] }].map(({ path, content }) => ({
        path: `all/${path}`,
        content,
      })),
      code: 'unlabelled-file',
      part: { index: 4, file: 'all/9.png' },
    },
    {
      title: 'with an empty file',
      entries: with1({ path: 'blue/1.png', content: '' }),
      code: 'empty-file',
      part: { index: 1, file: 'blue/1.png' },
    },
    {
      title: 'with one class',
      entries: [entries[0]!],
      code: 'too-few-classes',
      part: { index: 0, name: 'red', file: 'red/1.png' },
    },
    {
      title: 'with what is no image',
      entries: with1({ path: 'blue/notes.txt', content: 'hello' }),
      code: 'unsupported-image',
      part: { index: 1, name: 'blue', file: 'blue/notes.txt' },
    },
    {
      title: 'with a label that no form could have',
      entries: with1({ path: 'b\nlue/1.png', content: blue[0] }),
      code: 'invalid-label',
      part: { index: 1, name: 'b\nlue', file: 'b\nlue/1.png' },
    },
  ];
  test.each(cases)('$title', async ({ entries: given, code, part }) => {
    const running = await harness();
    const answer = await postZip(running, '/v1/tasks', await zip(given));
    expectContract(answer, 'post', '/v1/tasks');
    expectProblem(answer, code, part);
    expect(running.adapter.calls.length).toBe(0);
  });

  test('that is a bomb: a file of many times its packed size', async () => {
    const running = await harness({ limits: { fileBytes: 50_000_000, bodyBytes: 50_000_000 } });
    const bomb = await zip(with1({ path: 'blue/1.png', content: Buffer.alloc(20_000_000) }));
    expect(bomb.length).toBeLessThan(100_000);
    const answer = await postZip(running, '/v1/tasks', bomb);
    expectProblem(answer, 'zip-too-large', { index: 1, file: 'blue/1.png' });
  });

  test('that announces fewer bytes than it unpacks to, or others', async () => {
    const running = await harness();
    const honest = await zip(with1({ path: 'blue/1.png', content: Buffer.alloc(100_000) }));
    const lying = Buffer.from(honest);
    // central directory header of the last entry: size at 24, checksum at 16
    const header = lying.lastIndexOf('PK\x01\x02', undefined, 'latin1');
    lying.writeUInt32LE(10, header + 24);
    const short = await postZip(running, '/v1/tasks', lying);
    expectProblem(short, 'malformed-zip', { index: 1, file: 'blue/1.png' });
    const other = Buffer.from(honest);
    other.writeUInt32LE(1, header + 16);
    expectProblem(await postZip(running, '/v1/tasks', other), 'malformed-zip', {
      index: 1,
      file: 'blue/1.png',
    });
    const encrypted = Buffer.from(honest);
    encrypted.writeUInt16LE(1, header + 8);
    const { detail } = expectProblem(await postZip(running, '/v1/tasks', encrypted), 'malformed-zip', {
      index: 1,
      file: 'blue/1.png',
    });
    expect(detail).toContain('encrypted');
  });

  test('property: cut or changed anywhere, it is refused, or is the task of other images; never a fault', async () => {
    const running = await harness();
    const archive = await zip(entries);
    const damage = fc.record({
      at: fc.nat(archive.length - 1),
      byte: fc.nat(255),
      length: fc.integer({ min: 1, max: archive.length }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, byte, length }) => {
        const damaged = Buffer.from(archive.subarray(0, length));
        if (at < length) damaged[at] = byte;
        const answer = await postZip(running, '/v1/tasks', damaged);
        expect(answer.status).toBeLessThan(500);
      }),
      { numRuns: 60 },
    );
    expect(running.log.filter(({ msg }) => msg === 'unexpected error')).toEqual([]);
  });

  test('over the limit of a body', async () => {
    const running = await harness({ limits: { bodyBytes: 200 } });
    expectProblem(await postZip(running, '/v1/tasks', await zip(entries)), 'body-too-large');
  });
});
