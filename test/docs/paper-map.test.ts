import { existsSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const text = read('docs/paper-map.md');

/** Every `file:symbol` of the page: a name, `Class.member` or, in YAML, a path of keys. */
const references = [...text.matchAll(/`([\w./-]+\.(?:ts|yaml)):([\w.#-]+)`/g)].map(([, file, symbol]) => ({
  file: file!,
  symbol: symbol!,
}));

/** Top-level declarations of a TypeScript file and, as `Class.member`, what its classes and interfaces have. */
function declaredNames(source: string): Set<string> {
  const names = new Set<string>();
  const file = ts.createSourceFile('file.ts', source, ts.ScriptTarget.Latest, false);
  for (const statement of file.statements) {
    if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations)
        if (ts.isIdentifier(name)) names.add(name.text);
    } else if (ts.isClassDeclaration(statement) || ts.isInterfaceDeclaration(statement)) {
      const owner = statement.name?.text ?? 'default';
      names.add(owner);
      for (const { name } of statement.members)
        if (name && (ts.isIdentifier(name) || ts.isPrivateIdentifier(name)))
          names.add(`${owner}.${name.text}`);
    } else if (ts.isFunctionDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) {
      if (statement.name) names.add(statement.name.text);
    }
  }
  return names;
}

function hasKeyPath(source: string, path: string): boolean {
  let value: unknown = parse(source);
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null || !(key in value)) return false;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return true;
}

const isThere = (file: string, symbol: string): boolean =>
  file.endsWith('.yaml') ? hasKeyPath(read(file), symbol) : declaredNames(read(file)).has(symbol);

describe('docs/paper-map.md', () => {
  test.each(references)('$file has $symbol', ({ file, symbol }) => {
    expect(existsSync(new URL(file, root)), `there is no file ${file}`).toBe(true);
    expect(isThere(file, symbol), `${file} declares no ${symbol}`).toBe(true);
  });

  test.each([
    ...Array.from({ length: 9 }, (_, i) => `Eq. ${i + 1}`),
    ...[1, 3, 5, 6, 7, 9].map((line) => `Alg. 1, line ${line}`),
    'M-NAS-Shared',
    'M-NAS-NM',
    'path dropout',
    'decode',
    'zeroing',
    'straight-through estimator',
    ...[1, 2, 3].map((table) => `Table ${table}`),
  ])('has a row for %s', (what) => {
    expect(text.split('\n').filter((line) => line.startsWith(`| ${what} |`))).toHaveLength(1);
  });

  test('names no file without the form `file:symbol`', () => {
    const files = [...text.matchAll(/`([\w./-]+\.(?:ts|yaml))`/g)].map(([, file]) => file!);
    expect(files.filter((file) => !existsSync(new URL(file, root)))).toEqual([]);
  });

  test('would notice a symbol or key that is gone', () => {
    expect(isThere('model/controller/modulator.ts', 'modulate')).toBe(true);
    expect(isThere('model/controller/modulator.ts', 'demodulate')).toBe(false);
    expect(isThere('training/configs/images/study.yaml', 'model.innerLoop.steps')).toBe(true);
    expect(isThere('training/configs/images/study.yaml', 'model.innerLoop.leaps')).toBe(false);
  });
});
