import { ESLint } from 'eslint';
import { expect, it } from 'vitest';

/** Untyped: the file of the cases need not exist. */
const eslint = new ESLint({
  ruleFilter: ({ ruleId }) => ruleId === 'house/head',
  overrideConfig: { languageOptions: { parserOptions: { projectService: false } } },
});

async function messagesOf(code: string): Promise<string[]> {
  const [result] = await eslint.lintText(code, { filePath: 'model/new.ts' });
  expect(result!.fatalErrorCount).toBe(0);
  return result!.messages.map(({ message }) => message);
}

it.each([
  ['a comment before the imports', '// what it is for\nimport a from "a";\n', /begins with its imports/],
  ['an import below', 'import a from "a";\nconst b = 1;\nimport c from "c";\n', /come first/],
  ['an import below what is no import', 'const b = 1;\nimport c from "c";\n', /come first/],
])('refuses %s', async (_, code, message) => {
  expect(await messagesOf(code)).toEqual([expect.stringMatching(message)]);
});

it.each([
  ['imports alone', 'import a from "a";\nimport b from "b";\n'],
  ['a comment of what follows', 'import a from "a";\n\n/** One. */\nexport const b = a;\n'],
  ['no import', '/** One. */\nexport const b = 1;\n'],
  ['a line for the shell', '#!/usr/bin/env node\nimport a from "a";\n'],
  ['nothing', ''],
])('allows %s', async (_, code) => {
  expect(await messagesOf(code)).toEqual([]);
});
