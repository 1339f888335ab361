import { describe, expect, it } from 'vitest';
import { labelLimits } from '../../server/upload/labels.ts';
import * as drafts from '../../web/draft.ts';
import type { Draft } from '../../web/draft.ts';

const file = (name: string) => new File(['x'], name, { type: 'image/png' });
const filled = (...classes: readonly (readonly [string, number])[]): Draft =>
  drafts.addLabelled(
    [],
    classes.flatMap(([label, count]) =>
      Array.from({ length: count }, (_, i) => ({ label, file: file(`${label}${i}`) })),
    ),
  );
const summary = (draft: Draft) => draft.map(({ label, shots }) => [label, shots.length]);

describe('the draft of a task', () => {
  it('begins with two empty classes, which the files of a folder replace', () => {
    const draft = drafts.addLabelled(drafts.emptyDraft(), [
      { label: 'cat', file: file('1.png') },
      { label: 'dog', file: file('2.png') },
      { label: 'cat', file: file('3.png') },
    ]);
    expect(summary(draft)).toEqual([
      ['cat', 2],
      ['dog', 1],
    ]);
  });

  it('adds the files of a folder to the class that has its name, in any Unicode form', () => {
    const draft = drafts.addLabelled(filled(['caf\u00e9', 1]), [{ label: 'cafe\u0301', file: file('x') }]);
    expect(summary(draft)).toEqual([['café', 2]]);
  });

  it('keeps an empty class when nothing comes with a label', () => {
    const [first, second] = drafts.emptyDraft();
    const draft = drafts.addLabelled(drafts.addShots([first!, second!], first!.key, [file('1.png')]), []);
    expect(summary(draft)).toEqual([
      ['Class 1', 1],
      ['Class 2', 0],
    ]);
  });

  it('adds files without a label to an empty class, then to new ones', () => {
    const once = drafts.addLoose(filled(['a', 1]), [file('1.png'), file('2.png')]);
    expect(summary(once)).toEqual([
      ['a', 1],
      ['Class 2', 2],
    ]);
    expect(summary(drafts.addLoose(drafts.emptyDraft(), [file('1.png')]))).toEqual([
      ['Class 1', 1],
      ['Class 2', 0],
    ]);
    expect(drafts.addLoose(once, [])).toBe(once);
  });

  it('names a new class by the first number that is free', () => {
    const three = drafts.addClass(filled(['Class 3', 1], ['a', 1]));
    expect(three.at(-1)!.label).toBe('Class 4');
    expect(drafts.addClass(drafts.emptyDraft()).map(({ label }) => label)).toEqual([
      'Class 1',
      'Class 2',
      'Class 3',
    ]);
  });

  it('has what was removed where it was, once it is restored', () => {
    const draft = filled(['a', 3], ['b', 2]);
    const [first, second] = draft;
    const shot = first!.shots[1]!;
    const less = drafts.removeShot(draft, shot.key);
    expect(drafts.restoreShot(less, first!, shot)).toEqual(draft);
    const gone = drafts.removeClass(draft, first!.key);
    expect(drafts.restoreClass(gone, first!, 0)).toEqual(draft);
    // the class of an image is gone, too: it comes back with the image alone
    expect(summary(drafts.restoreShot(gone, first!, shot))).toEqual([
      ['b', 2],
      ['a', 1],
    ]);
    const moved = drafts.moveShot(draft, shot.key, second!.key);
    expect(summary(moved)).toEqual([
      ['a', 2],
      ['b', 3],
    ]);
  });

  it('tells by its signature whether a task of it would be another one', () => {
    const draft = filled(['a', 2], ['b', 1]);
    const [a, b] = draft;
    const signature = drafts.signatureOf(draft);
    expect(drafts.signatureOf([b!, a!])).toBe(signature);
    expect(drafts.signatureOf(drafts.addClass(draft))).toBe(signature);
    expect(drafts.signatureOf(drafts.rename(draft, a!.key, ' a '))).toBe(signature);
    expect(drafts.signatureOf(drafts.rename(draft, a!.key, 'c'))).not.toBe(signature);
    expect(drafts.signatureOf(drafts.removeShot(draft, a!.shots[0]!.key))).not.toBe(signature);
  });

  it('has the limits of the service', () => {
    const { classes, images, characters } = labelLimits;
    expect(drafts.limits).toEqual({ classes, images, label: characters });
  });

  it('adds, renames and removes', () => {
    const [first, second] = filled(['a', 2], ['b', 1]);
    let draft: Draft = [first!, second!];
    draft = drafts.rename(draft, first!.key, 'z');
    draft = drafts.addShots(draft, second!.key, [file('new')]);
    draft = drafts.removeShot(draft, first!.shots[0]!.key);
    expect(summary(draft)).toEqual([
      ['z', 1],
      ['b', 2],
    ]);
    expect(summary(drafts.removeClass(draft, first!.key))).toEqual([['b', 2]]);
  });

  it.each([
    [drafts.emptyDraft(), 'Add images to “Class 1”'],
    [filled(['a', 3]), 'Add a second class'],
    [drafts.addClass(filled(['a', 3])), 'Add images to “Class 2”'],
    [filled(['a', 1], ['b', 51]), '“b” has 51 images, 50 are allowed; remove 1'],
    [filled(...Array.from({ length: 21 }, (_, i) => [`c${i}`, 1] as const)), '20 classes at most'],
    [filled(['a', 1], ['b', 50]), undefined],
  ])('says what is missing: case %#', (draft, obstacle) => {
    if (obstacle === undefined) expect(drafts.obstacleOf(draft)).toBeUndefined();
    else expect(drafts.obstacleOf(draft)!.text).toContain(obstacle);
  });

  it('wants different names, and a name where there are images', () => {
    const [a, b] = filled(['a', 1], ['b', 1]);
    const told = (label: string) => drafts.obstacleOf(drafts.rename([a!, b!], b!.key, label));
    expect(told(' a ')!.text).toContain('Two classes are called “a”');
    expect(told(' ')).toEqual({ text: 'Name the class of b0.', at: b!.key });
    expect(told('b\u200b')!.text).toContain('invisible character U+200B');
  });

  it('takes the label of a path from its folder', () => {
    expect(drafts.labelOfPath('animals/cat/1.png')).toBe('cat');
    expect(drafts.labelOfPath('1.png')).toBeUndefined();
  });
});
