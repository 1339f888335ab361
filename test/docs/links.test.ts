import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../../', import.meta.url);
const documents = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(new URL('docs/', root), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.md'))
    .map((path) => `docs/${path.replaceAll('\\', '/')}`),
];

test.each(documents)('the relative links of %s lead somewhere', (path) => {
  const here = new URL(path, root);
  const targets = [...readFileSync(here, 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target));
  expect(targets.filter((target) => !existsSync(new URL(target, here)))).toEqual([]);
});

test.each(
  ['model', 'engine', 'training', 'server', 'images', 'scripts'].flatMap((folder) =>
    readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
      .filter((path) => readFileSync(new URL(path, root), 'utf8').includes('docs/')),
  ),
)('the pages that %s names exist', (path) => {
  const pages = readFileSync(new URL(path, root), 'utf8').matchAll(/\bdocs\/[\w./-]+\.md\b/g);
  expect([...pages].map(([page]) => page).filter((page) => !existsSync(new URL(page, root)))).toEqual([]);
});
