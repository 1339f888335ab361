import { Linter } from 'eslint';
import { expect, it } from 'vitest';
import { headRule } from '../../scripts/head-rule.js';

const linter = new Linter();
const messagesOf = (code: string): string[] =>
  linter
    .verify(code, { plugins: { house: { rules: { head: headRule } } }, rules: { 'house/head': 'error' } })
    .map(({ message }) => message);

it.each([
  ['a comment before the imports', '// what it is for\nimport a from "a";\n', /begins with its imports/],
  ['an import below', 'import a from "a";\nconst b = 1;\nimport c from "c";\n', /come first/],
  ['an import below what is no import', 'const b = 1;\nimport c from "c";\n', /come first/],
])('refuses %s', (_, code, message) => {
  expect(messagesOf(code)).toEqual([expect.stringMatching(message)]);
});

it.each([
  ['imports alone', 'import a from "a";\nimport b from "b";\n'],
  ['a comment of what follows', 'import a from "a";\n\n/** One. */\nexport const b = a;\n'],
  ['no import', '/** One. */\nexport const b = 1;\n'],
  ['a line for the shell', '#!/usr/bin/env node\nimport a from "a";\n'],
  ['nothing', ''],
])('allows %s', (_, code) => {
  expect(messagesOf(code)).toEqual([]);
});
