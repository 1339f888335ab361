import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import ts from 'typescript';
import { expect, it } from 'vitest';
import { circlesOf } from '../support/circles.ts';
import { sourceFolders } from '../support/source-folders.ts';

/** The files that each file imports, types too. */
function importsOf(files: readonly string[]): Map<string, string[]> {
  const known = new Set(files);
  return new Map(
    files.map((file) => {
      const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'));
      const targets = importedFiles.map(({ fileName }) => join(dirname(file), fileName));
      return [file, targets.filter((target) => known.has(target))];
    }),
  );
}

it('no file imports itself in a circle', () => {
  const files = sourceFolders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => /\.tsx?$/.test(path) && !path.includes('node_modules'))
      .map((path) => join(folder, path)),
  );
  const imports = importsOf(files);
  expect([...imports.values()].flat().length).toBeGreaterThan(files.length); // imports are seen at all
  expect(circlesOf(imports)).toEqual([]);
});

it('circles are found', () => {
  const arrows = new Map([
    ['a', ['b']],
    ['b', ['c', 'd']],
    ['c', ['a']],
    ['d', []],
    ['e', ['a']],
  ]);
  expect(circlesOf(arrows).map((circle) => circle.sort())).toEqual([['a', 'b', 'c']]);
});
