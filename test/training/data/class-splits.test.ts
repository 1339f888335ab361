import { describe, expect, it } from 'vitest';
import { partOf } from '../../../training/data/class-splits.ts';
import type { ImageClass, Split } from '../../../training/data/domain.ts';

const classOf = (name: string, split: Split, first = 0): ImageClass => ({ name, split, first, count: 5 });
const training = Array.from({ length: 10 }, (_, i) => classOf(`t${i}`, 'train', 5 * i));
const domain = { name: 'own', classes: [...training, classOf('v', 'val', 50)] };
const namesOf = ({ classes }: typeof domain, split: Split): string[] =>
  classes.filter((own) => own.split === split).map(({ name }) => name);

describe('the part of a domain that is classified, and the one that tasks are drawn from', () => {
  it('have no class in common, and all of them together', () => {
    const [classified, drawn] = (['classified', 'drawn'] as const).map((part) =>
      namesOf(partOf(domain, part, 0.6), 'train'),
    );
    expect([classified!.length, drawn!.length]).toEqual([6, 4]);
    expect([...classified!, ...drawn!].sort()).toEqual(namesOf(domain, 'train'));
  });

  it('leave what validates to both', () => {
    for (const part of ['classified', 'drawn'] as const)
      expect(namesOf(partOf(domain, part, 0.6), 'val')).toEqual(['v']);
  });

  it('are both all classes where all are classified, as too few are left for tasks', () => {
    for (const share of [0.9, 1]) expect(partOf(domain, 'drawn', share)).toEqual(domain);
    expect(namesOf(partOf(domain, 'classified', 1), 'train')).toEqual(namesOf(domain, 'train'));
  });
});
