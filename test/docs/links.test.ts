import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { deadLinksOf } from '../../scripts/prose/links.ts';
import { sourceFolders } from '../support/source-folders.ts';

const root = new URL('../../', import.meta.url);
const documents = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n');

test.each(documents)('the relative links of %s lead somewhere, to headings that are there', (path) => {
  expect(deadLinksOf(new URL(path, root))).toEqual([]);
});

test.each(
  sourceFolders.flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.tsx?$/.test(path))
      .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
      .filter((path) => readFileSync(new URL(path, root), 'utf8').includes('docs/')),
  ),
)('the pages that %s names exist', (path) => {
  const pages = readFileSync(new URL(path, root), 'utf8').matchAll(/\bdocs\/[\w./-]+\.md\b/g);
  expect([...pages].map(([page]) => page).filter((page) => !existsSync(new URL(page, root)))).toEqual([]);
});

test.each(['docs/architecture.md', 'docs/lifecycle.md'])(
  'the files and folders that %s names exist',
  (path) => {
    const named = new RegExp(`\\b(?:${[...sourceFolders, 'test'].join('|')})/[\\w./-]*`, 'g');
    const paths = [...readFileSync(new URL(path, root), 'utf8').matchAll(named)].map(([found]) =>
      found.replace(/\.$/, ''),
    );
    expect(paths.length).toBeGreaterThan(50);
    expect(paths.filter((found) => !existsSync(new URL(found, root)))).toEqual([]);
  },
);

test('the files of the drawings of docs/lifecycle.md exist', () => {
  const text = readFileSync(new URL('docs/lifecycle.md', root), 'utf8');
  const names = [...text.matchAll(/(?: as |<br\/>)([\w/-]+\.ts)/g)].map(([, name]) => name!);
  const places = ['', 'server/', 'model/', 'training/'].map((folder) => new URL(folder, root));
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => !places.some((place) => existsSync(new URL(name, place))))).toEqual([]);
});
