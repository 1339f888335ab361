import { describe, expect, it } from 'vitest';
import * as drafts from '../../web/draft.ts';
import type { Draft } from '../../web/draft.ts';
import type { Checked } from '../../web/images.ts';
import { problemsIn, remarksOn } from '../../web/remarks.ts';

const file = (name: string) => new File(['x'], name);
const draft: Draft = drafts.addLabelled(
  [],
  [
    { label: 'cup', file: file('1') },
    { label: 'cup', file: file('2') },
    { label: 'mug', file: file('3') },
    { label: 'mug', file: file('4') },
  ],
);
const shots = draft.flatMap((entry) => entry.shots);

/** Remarks by the name of the file, when this is found out about the files in turn. */
const said = (...found: readonly Checked[]) => {
  const remarks = remarksOn(draft, new Map(found.map((one, i) => [shots[i]!.file, one])));
  return Object.fromEntries(
    shots.flatMap(({ key, file: { name } }) => (remarks.has(key) ? [[name, remarks.get(key)]] : [])),
  );
};

describe('remarks on chosen images', () => {
  it('name the other class of an image that is in two, at both', () => {
    expect(said({ hash: 'a' }, { hash: 'b' }, { hash: 'b' }, { hash: 'c' })).toEqual({
      2: { kind: 'doubt', text: 'The same image is in “mug”, too: keep it in one class only.' },
      3: { kind: 'doubt', text: 'The same image is in “cup”, too: keep it in one class only.' },
    });
  });

  it('tell an image that is in its class twice', () => {
    const twice = said({ hash: 'a' }, { hash: 'a' });
    expect(twice).toMatchObject({ 1: { text: 'This image is in “cup” twice.' }, 2: { kind: 'doubt' } });
  });

  it('put what cannot be used at its image, and count it', () => {
    const problem = 'This file is empty.';
    expect(said({ hash: 'a' }, { problem })).toEqual({ 2: { kind: 'problem', text: problem } });
    const remarks = remarksOn(draft, new Map([[shots[1]!.file, { problem }]]));
    expect(problemsIn(remarks)).toBe('One image cannot be used; remove it.');
    expect(problemsIn(new Map())).toBeUndefined();
  });
});
