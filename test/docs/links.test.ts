import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { sourceFolders } from '../support/source-folders.ts';

const root = new URL('../../', import.meta.url);
const documents = execFileSync('git', ['ls-files', '*.md'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n');

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(page: URL): ReadonlySet<string> {
  const text = readFileSync(page, 'utf8').replaceAll(/^```[^]*?^```/gm, '');
  const anchors = new Set<string>();
  for (const [, heading] of text.matchAll(/^#+ (.+)$/gm)) {
    const words = heading!.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = words.replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc} -]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let again = 1; anchors.has(anchor); again++) anchor = `${slug}-${again}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Why a link of a page leads nowhere; undefined when it leads somewhere, or to another host. */
function fault(target: string, here: URL): string | undefined {
  if (/^[a-z]+:/.test(target)) return undefined;
  const page = new URL(target, here);
  const anchor = decodeURIComponent(page.hash.slice(1));
  page.hash = '';
  if (!existsSync(page)) return target;
  if (anchor === '' || !page.pathname.endsWith('.md')) return undefined;
  return anchorsOf(page).has(anchor) ? undefined : target;
}

test.each(documents)('the relative links of %s lead somewhere, to headings that are there', (path) => {
  const here = new URL(path, root);
  const text = readFileSync(here, 'utf8');
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)|\b(?:href|src)="([^"]+)"/g)].map(
    ([, markdown, html]) => (markdown ?? html)!,
  );
  expect(targets.flatMap((target) => fault(target, here) ?? [])).toEqual([]);
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
