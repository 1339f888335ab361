import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { complaintsOf, shrunk } from '../../../scripts/prose/debts.ts';
import { faultsOf, sentencesOf } from '../../../scripts/prose/faults.ts';

const words = (count: number) => Array.from({ length: count }, (_, i) => `W${i}`).join(' ');

describe('a page of Markdown', () => {
  test.each([
    ['a sentence of 25 words', `${words(25)}. ${words(25)}!`, []],
    ['a sentence of 26 words, over several lines', `First.\n${words(13)}\n${words(13)}.`, ['26 words']],
    ['a sentence in a list item, which ends with it', `- ${words(20)}\n- ${words(20)}`, []],
    ['a list item with its continuation', `1. ${words(20)}\n   ${words(20)}`, ['40 words']],
    ['a table cell', `| a | b |\n| --- | --- |\n| x | ${words(26)} |`, ['26 words']],
    ['cells that are long together only', `| ${words(20)} | ${words(20)} |`, []],
    ['code that counts as a word', `${words(24)} \`a b c d e\`.`, []],
    ['a fence', `\`\`\`sh\n${words(60)}\n\`\`\``, []],
    ['a long link at the end of a line', `see [more](https://example.org/${'x'.repeat(120)})`, []],
    ['text after a long link', `[see](https://example.org/${'x'.repeat(80)}) more`, ['112 characters']],
    ['a line of 102 characters', `${'x'.repeat(50)} ${'y'.repeat(49)} z`, ['102 characters']],
    ['a heading of 102 characters', `# ${'x'.repeat(98)} y`, ['102 characters']],
    ['a picture with its link', `<a href="x"><img alt="${words(30)}"></a>`, []],
    ['quotations', `> ${words(26)}`, ['26 words']],
  ])('with %s', (_name, markdown, expected) => {
    const found = faultsOf(markdown).filter(
      ({ what }) => !/^\d+ characters/.test(what) || expected.join().includes('char'),
    );
    expect(found.map(({ what }) => what.split(':')[0])).toEqual(expected);
  });

  test('names the line where a block with a long sentence begins', () => {
    expect(faultsOf(`# Title\n\nShort.\n\n${words(26)}`)).toEqual([
      { line: 5, what: '26 words: W0 W1 W2 W3 W4 W5 …' },
    ]);
  });

  test('abbreviations and numbers end no sentence', () => {
    expect(sentencesOf('See Eq. 4 of it, e.g. here. It is 1.5 (so!) as much? Yes')).toEqual([
      'See Eq. 4 of it, e.g. here.',
      'It is 1.5 (so!) as much?',
      'Yes',
    ]);
  });
});

describe('debts', () => {
  test('are complained of when a page has more faults, and when it has fewer', () => {
    expect(complaintsOf({ a: 3, b: 1, c: 0, d: 1 }, { a: 2, b: 1, c: 1 })).toEqual([
      'a: 3 faults, 2 allowed',
      'c: 0 faults, its debt of 1 can shrink (--shrink)',
      'd: 1 faults, 0 allowed',
    ]);
  });

  test('shrink and never grow; a page that is gone or clean has none', () => {
    expect(shrunk({ a: 3, b: 1, c: 0 }, { a: 2, b: 5, c: 1, gone: 4 })).toEqual({ a: 2, b: 1 });
  });

  test('are of pages that are there', () => {
    const root = new URL('../../../', import.meta.url);
    const debts = JSON.parse(readFileSync(new URL('scripts/prose/debts.json', root), 'utf8')) as object;
    for (const page of Object.keys(debts)) expect(() => readFileSync(new URL(page, root))).not.toThrow();
  });
});
